with before as (select proof_gone_at from claims where instance_id = $1 and domain = $2)
update claims c set proof_checked_at = now(), proof_seen = $3,
  proof_gone_at = case when $3::jsonb is not null then coalesce(c.proof_gone_at, now()) end
from before where c.instance_id = $1 and c.domain = $2
returning c.proof_gone_at is not null and before.proof_gone_at is null, {day}
