update orders set operation_id = $2, round = 1 where id = (
select r.id from orders r join operations o on o.id = r.operation_id
left join certificates c on c.order_id = r.id
where o.instance_id = $1 and o.kind = 'renew' and o.state in ('failed', 'superseded')
and not exists (select from instances i where i.id = $1 and i.keys_distrusted_at >= r.created_at)
and case when c.id is null
  -- An order at a CA that was asked in place of another one may wait for what nobody sets.
  then r.url is not null and not r.fallback and coalesce(r.expires_at > clock_timestamp(), true)
    and array(select z.domain from authorizations z where z.order_id = r.id order by 1)
      = array(select d from unnest($3::text[]) d order by 1)
  else c.attached_at is null and c.retired_at is null and c.names @> $3::text[] and c.names <@ $3::text[]
    and c.not_after - clock_timestamp() > (c.not_after - c.not_before) / 3
    and not exists (select from claims k where k.instance_id = $1 and k.domain = any($3) and not k.proved)
    and not (o.cause is not distinct from $4 and exists (select from steps s where s.operation_id = o.id
      and s.round = r.round and s.kind = 'attach-certificate' and s.state = 'failed')) end
and not exists (select from steps s where s.operation_id = o.id and s.round = r.round and s.verdict = 'order-spent')
order by c.id is null, r.created_at desc limit 1)
