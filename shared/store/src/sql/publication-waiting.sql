select {authorization_columns}
from orders r join authorizations z on z.order_id = r.id
join steps s on s.operation_id = r.operation_id and s.round = r.round and s.subject = z.domain
join published_values p on p.order_id = r.id and p.value = z.challenges #>> '{offered,delegated-dns-01,value}'
where r.operation_id = $1 and r.round = $2 and z.domain <> $3 and p.synced_at is not null and {waits_for_value}
  and not exists (select from claims h where h.domain = z.domain and h.proved and h.instance_id <> $4)
order by s.slow_looks, z.domain
