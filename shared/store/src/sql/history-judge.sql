-- The instance's operations whose time is up, the oldest first, and whether something needs them: nothing does if the instance goes as a whole.
with needed as (
    -- What the instance is, to its platform and to the operation that comes next.
    (select o.id from operations o where o.instance_id = $1 order by o.created_at desc limit 1)
    union all
    (select o.id from operations o where o.instance_id = $1 and o.kind <> 'renew' order by o.created_at desc limit 1)
    union all
    -- Certificates that matter, and orders that may be continued or that the CA counts.
    select r.operation_id from certificates c join orders r on r.id = c.order_id
    where c.instance_id = $1 and {certificate_matters}
    union all
    select r.operation_id from operations o join orders r on r.operation_id = o.id
    where o.instance_id = $1 and (r.expires_at > now() or r.created_at > now() - $2::float8 * interval '1 millisecond')
    union all
    -- How each domain was last proved, and the same where the order is known.
    (select distinct on (c.domain) o.id from {proofs}
    where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc)
    union all
    (select distinct on (c.domain) o.id from {proofs}
    join authorizations z on z.order_id = r.id and z.domain = c.domain
    where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc)
    union all
    -- The records that would prove each domain, and those of the newest order.
    (select distinct on (z.domain) o.id from operations o
    join orders r on r.operation_id = o.id
    join authorizations z on z.order_id = r.id
    join claims c on c.instance_id = o.instance_id and c.domain = z.domain
    where o.instance_id = $1 order by z.domain, r.created_at desc)
    union all
    (select o.id from operations o join orders r on r.operation_id = o.id
    where o.instance_id = $1 and r.account_uri is not null order by r.created_at desc limit 1)
)
select o.id, not $3::boolean and o.id in (select n.id from needed n) as is_needed
from operations o
where o.instance_id = $1 and o.ended_at is not null
  and ($3::boolean or coalesce(o.kept_at, o.ended_at) < now() - $2::float8 * interval '1 millisecond')
order by o.created_at
