select h.instance_id, i.distribution_domain, z.challenges
from claims h join instances i on i.id = h.instance_id
left join lateral (
  select {challenges} as challenges
  from orders r join operations o on o.id = r.operation_id
  join authorizations z on z.order_id = r.id and z.domain = h.domain
  where o.instance_id = h.instance_id order by r.created_at desc limit 1) z on true
where h.domain = $1 and h.proved and h.instance_id <> $2 and {stands}
