-- What these operations tell of targets is kept with the targets: which have proved a domain. The rows are locked in the order in which targets are
-- inherited: instances of one tenant share them.
with proved as (
    select t.tenant, t.domain, t.zone
    from operations o
    join instances i on i.id = o.instance_id
    join orders r on r.operation_id = o.id
    join authorizations z on z.order_id = r.id
    join steps s on s.operation_id = o.id and s.round = r.round and s.kind = 'verify-challenge' and s.subject = z.domain
    join delegation_targets t on t.tenant = i.tenant and t.domain = ltrim(z.domain, '*.')
    where o.id = any($1) and s.state = 'done' and s.method = 'delegated-dns-01' and not t.served
      and z.challenges #>> '{offered,delegated-dns-01,target}' = t.label || '.' || t.zone
    order by t.zone, t.domain for update of t
)
update delegation_targets t set served = true
from proved p
where t.tenant = p.tenant and t.domain = p.domain and t.zone = p.zone
