-- Values that the zone was given a while ago, whose CNAMEs lead to them, and that the verifier can't see there.
select distinct p.name, p.value
from published_values p
join orders r on r.id = p.order_id
join authorizations z on z.order_id = r.id and z.challenges #>> '{offered,delegated-dns-01,value}' = p.value
join steps s on s.operation_id = r.operation_id and s.round = r.round and s.kind = 'verify-challenge' and s.subject = z.domain
where {p_is_needed} and p.withdrawn_at is null and p.written_at < now() - $1 * interval '1 millisecond'
  and s.state = 'waiting' and s.checked_at > p.written_at and p.synced_at is not null and s.reason @> {unpublished}
limit $2
