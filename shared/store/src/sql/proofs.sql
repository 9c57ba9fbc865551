-- A domain that the CA considered valid was not probed, so its proof is an older one.
select distinct on (c.domain) c.domain, s.method, {challenges}
from claims c join operations o on o.instance_id = c.instance_id
join steps s on s.operation_id = o.id and s.kind = 'verify-challenge' and s.subject = c.domain
  and s.state = 'done' and s.method is not null
left join orders r on r.operation_id = o.id and r.round = s.round
left join authorizations z on z.order_id = r.id and z.domain = c.domain
where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc
