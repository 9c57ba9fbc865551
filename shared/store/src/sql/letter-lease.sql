-- An attempt that kept what it sends and recorded nothing has perhaps sent it.
update letters l set attempt = l.attempt + 1, leased_until = now() + $3::float8 * interval '1 millisecond',
  maybe_doubled = l.maybe_doubled or (l.leased_until is not null and l.content is not null)
from recipients r
where l.id = $1 and l.attempt = $2 and l.state = 'waiting' and l.due_at <= now() and l.deadline_at > now()
  and coalesce(l.leased_until < now(), true) and r.id = l.recipient_id
returning l.id, l.attempt, l.kind, l.recipient_id, l.content, l.created_at, l.deadline_at,
  r.state as recipient_state, r.generation, r.tenant, r.shortened, r.address_digest, r.sealed_address
