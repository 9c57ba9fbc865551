-- Domains of instances at rest, with how each was last proved: those that were not checked for the longest come first.
select c.instance_id, c.domain, i.distribution_domain, p.method, p.challenges
from claims c
join instances i on i.id = c.instance_id
join lateral (
    select s.method, {challenges} as challenges
    from operations o
    join steps s on s.operation_id = o.id and s.kind = 'verify-challenge' and s.subject = c.domain and s.state = 'done' and s.method is not null
    join orders r on r.operation_id = o.id and r.round = s.round
    join authorizations z on z.order_id = r.id and z.domain = c.domain
    where o.instance_id = c.instance_id order by o.created_at desc, s.round desc limit 1) p on true
where c.proved
  and (select k.state from claim_states k where k.instance_id = c.instance_id and k.domain = c.domain) = 'has'
  and coalesce(c.proof_checked_at, c.proved_at) < now() - $1 * interval '1 millisecond'
  and not exists (select from operations o where o.instance_id = c.instance_id and o.state = 'running')
order by coalesce(c.proof_checked_at, c.proved_at) limit $2
