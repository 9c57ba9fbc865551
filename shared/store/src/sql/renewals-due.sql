select c.instance_id, i.tenant, f.failures, f.failed_ago_ms
from certificates_in_use c join instances i on i.id = c.instance_id
join lateral (select count(*) as failures,
    (extract(epoch from clock_timestamp() - max(o.ended_at)) * 1000)::bigint as failed_ago_ms
  from operations o where o.instance_id = i.id and o.kind = 'renew' and o.state = 'failed'
  and o.created_at > c.attached_at) f on true
where (c.renew_at <= clock_timestamp()
  or exists (select from orders r where r.id = c.order_id and r.created_at < i.keys_distrusted_at))
and not exists (select from operations o where o.instance_id = i.id and (o.state = 'running' or o.kind = 'deprovision'))
and exists (select from claims k where k.instance_id = i.id and k.lost_at is null)
order by c.not_after
