select i.request, i.settings, i.tenant, o.id, o.kind, o.state, o.target->'request' as wanted, r.id as renewal,
  (select case when c.attached_at is null then 'issued' else 'attached' end
    from certificates c join orders x on x.id = c.order_id where x.operation_id = r.id
    order by x.round desc limit 1) as renewed
from instances i join lateral (select * from operations o where o.instance_id = i.id and o.kind <> 'renew'
  order by created_at desc limit 1) o on true
left join operations r on r.instance_id = i.id and r.kind = 'renew' and r.state = 'running'
where i.id = $1 and i.deleted_at is null
