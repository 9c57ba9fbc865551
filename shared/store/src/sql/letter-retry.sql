-- A letter that waits, or was given up, is due now and has its whole time again. One that somebody has stays his.
update letters l set state = 'waiting', due_at = now(), deadline_at = greatest(l.deadline_at, now() + interval '4 days'), rung_at = null,
  swept = 0, ended_at = null
from recipients r
where l.id = $1 and r.id = l.recipient_id and l.state in ('waiting', 'given-up') and coalesce(l.leased_until < now(), true)
  and r.sealed_address is not null and r.state = case l.kind when 'confirmation' then 'asked' else 'confirmed' end
returning r.shortened
