-- The notices of tenants whose oldest has waited for others long enough ($1 milliseconds), and that had fewer than $2 letters today.
with tenants as (
  select i.tenant from notices n join instances i on i.id = n.instance_id
  where n.collected_at is null
  group by i.tenant
  having min(n.born_at) < now() - $1::float8 * interval '1 millisecond'
    and (select count(*) from letters l join recipients r on r.id = l.recipient_id
         where r.tenant = i.tenant and l.kind = 'digest' and l.created_at > now() - interval '1 day') < $2
  order by min(n.born_at) limit 100)
update notices n set collected_at = now() from instances i
where i.id = n.instance_id and n.collected_at is null and i.tenant in (select tenant from tenants)
returning n.id, n.event
