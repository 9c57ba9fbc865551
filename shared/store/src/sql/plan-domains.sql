select c.domain, case when c.held_until > now() then c.held_until end as held_until,
  coalesce(z.valid, false) and not exists (select from claim_states k where k.domain = c.domain
      and k.instance_id <> c.instance_id and k.state in ('has', 'asks'))
    or exists (select from certificates t where t.order_id = r.id) as authorized
from claims c
left join orders r on r.operation_id = $2 and r.round = $3
left join authorizations z on z.order_id = r.id and z.domain = c.domain
where c.instance_id = $1 and c.domain = any($4) order by c.domain
