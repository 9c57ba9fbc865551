-- Failures of the last day, the newest first.
select o.ended_at as key, o.instance_id, coalesce(o.cause, o.failure) as note
from operations o
left join lateral (
    select s.kind, reason_of(s) as reason from steps s where s.operation_id = o.id and s.state = 'failed' limit 1
) f on true
where o.state = 'failed' and o.ended_at > now() - interval '1 day'
and (o.ended_at, o.instance_id) < (coalesce($1::timestamptz, 'infinity'), $2::text)
and ($4::text is null or (o.kind = $4 and f.kind is not distinct from $5::text and {why} = $6::text))
order by o.ended_at desc, o.instance_id desc
limit $3
