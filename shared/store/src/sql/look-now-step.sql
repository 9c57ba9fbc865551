-- The step that waits for the domain, locked after its operation, and why no look at it can be asked for.
select s.id, case
    when s.asked_at is not null then 'under-way'
    when exists (select from claims c where c.instance_id = $3 and c.domain = $2 and c.held_until > now()) then 'held'
    -- The first look needs nobody to ask for it.
    when s.checked_at is null then 'under-way'
    when {again_at} > now() then 'too-soon'
  end as refused
from steps s
where s.operation_id = $1 and s.kind = 'verify-challenge' and s.subject = $2 and s.state is not distinct from 'waiting'
order by s.round desc limit 1
for update of s
