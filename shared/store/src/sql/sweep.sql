update steps set rung_at = now(), swept = swept + (rung_at is not null)::integer where id in (
  select s.id from steps s join unnest($2::text[], $3::float8[]) as g (kind, grace) on g.kind = s.kind
  where s.service = $1 and s.state = 'waiting' and s.due_at < now()
  and (s.rung_at is null or greatest(s.due_at, s.rung_at)
       < now() - g.grace * (1 << least(greatest(s.swept - $5, 0), $6)) * interval '1 millisecond')
  order by s.due_at limit $4 for update of s skip locked)
returning id, attempt
