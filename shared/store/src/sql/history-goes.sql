-- The tenant of a removed instance that may go as a whole: its time is up, and neither the CA nor AWS has anything of it.
select i.tenant
from instances i
where i.id = $1 and i.deleted_at < now() - $2::float8 * interval '1 millisecond'
  and not exists (select from operations o where o.instance_id = i.id and o.ended_at is null)
  and not exists (select from certificates c where c.instance_id = i.id and {certificate_matters})
  and not exists (select from orphans f where f.instance_id = i.id and f.removed_at is null
    and f.last_seen > now() - $2::float8 * interval '1 millisecond')
  -- Another instance can still tell to whom it lost a domain.
  and not exists (select from claims k where k.lost_to = i.id)
