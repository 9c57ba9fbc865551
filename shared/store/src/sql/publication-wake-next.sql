update steps set rung_at = now(), due_at = now()
where id = (select s.id from steps s where s.operation_id = $1 and s.round = $2 and {waits_for_value} order by s.subject limit 1)
  and due_at > now() + interval '1 second'
returning id, attempt, 0::bigint
