with due as (
  select c.id from certificates c where c.attached_at is not null and c.retired_at is null and c.renew_at <= now()
  union
  select c.id from instances i join certificates c on c.instance_id = i.id join orders r on r.id = c.order_id
  where c.attached_at is not null and c.retired_at is null and i.keys_distrusted_at is not null and r.created_at < i.keys_distrusted_at
)
select c.instance_id, i.tenant, f.failures, f.failed_ago_ms
from due d join certificates c on c.id = d.id join instances i on i.id = c.instance_id
join lateral (select count(*) as failures,
    (extract(epoch from clock_timestamp() - max(o.ended_at)) * 1000)::bigint as failed_ago_ms
  from operations o where o.instance_id = i.id and o.kind = 'renew' and o.state = 'failed'
  and o.created_at > c.attached_at) f on true
where c.id = (select u.id from certificates_in_use u where u.instance_id = c.instance_id)
and not exists (select from operations o where o.instance_id = i.id and (o.state = 'running' or o.kind = 'deprovision'))
and exists (select from claims k where k.instance_id = i.id and k.lost_at is null)
order by c.not_after
