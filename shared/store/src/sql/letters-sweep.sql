update letters set rung_at = now(), swept = swept + (rung_at is not null)::integer where id in (
  select l.id from letters l
  where l.state = 'waiting' and l.due_at <= now() and coalesce(l.leased_until < now(), true)
  and (l.rung_at is null or greatest(l.due_at, l.rung_at, l.leased_until)
       < now() - $1::float8 * (1 << least(greatest(l.swept - 2, 0), 4)) * interval '1 millisecond')
  order by l.due_at limit $2 for update of l skip locked)
returning id, attempt
