select (extract(epoch from now() - p.written_at) * 1000)::bigint, p.synced_at is not null,
  exists (select from steps s where s.operation_id = r.operation_id and s.round = r.round and s.subject < z.domain
    and s.due_at < now() + interval '5 seconds' and {waits_for_value}) as follows
from orders r join authorizations z on z.order_id = r.id
join published_values p on p.order_id = r.id and p.value = z.challenges #>> '{offered,delegated-dns-01,value}'
where r.operation_id = $1 and r.round = $2 and z.domain = $3 limit 1
