-- When the domain $2 goes to the instance $1, if nothing changes, and whether that is new.
with before as (select wins_at from claims where instance_id = $1 and domain = $2 for update)
update claims c set wins_at = coalesce(c.wins_at, clock_timestamp() + $3 * interval '1 millisecond')
from before where c.instance_id = $1 and c.domain = $2
returning (extract(epoch from c.wins_at - clock_timestamp()) * 1000)::bigint, before.wins_at is null, {day}
