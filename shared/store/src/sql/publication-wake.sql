-- One domain now, the others later.
update steps s set rung_at = now(), due_at = least(s.due_at, now() + woken.after)
from (
  select s.id, case row_number() over (order by s.subject) when 1 then interval '0' else $3 * interval '1 millisecond' end as after
  from steps s where s.operation_id = $1 and s.round = $2 and {waits_for_value}) woken
where s.id = woken.id
returning s.id, s.attempt, (greatest(0, extract(epoch from s.due_at - now())) * 1000)::bigint
