-- Before the question $1 is sent again: its address is to be asked, although it was refused, and is known as long as an answer may take.
update recipients r set state = 'asked', asked_at = now(), refusals = 0
from letters l
where l.id = $1 and l.kind = 'confirmation' and l.state in ('waiting', 'given-up') and coalesce(l.leased_until < now(), true)
  and r.id = l.recipient_id and r.state in ('asked', 'refused') and r.sealed_address is not null
