-- For every domain that is still to be proved: also for one that the CA considers valid, if another instance requests it.
insert into published_values (order_id, name, value)
select r.id, z.challenges #>> '{offered,delegated-dns-01,target}', z.challenges #>> '{offered,delegated-dns-01,value}'
from orders r join authorizations z on z.order_id = r.id
join steps s on s.operation_id = r.operation_id and s.round = r.round and s.kind = 'verify-challenge' and s.subject = z.domain
where r.operation_id = $1 and r.round = $2 and s.state is not distinct from 'waiting' and z.challenges #> '{offered,delegated-dns-01}' is not null
on conflict do nothing
