-- A domain that the CA considered valid was not probed, so its proof is an older one.
select distinct on (c.domain) c.domain, s.method, {challenges}
from {proofs}
left join authorizations z on z.order_id = r.id and z.domain = c.domain
where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc
