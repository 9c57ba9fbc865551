-- Instances on which an operation runs, in the order in which the operations were requested. The steps are read operation by operation, so a page
-- reads no more of them than it needs.
select o.created_at as key, o.instance_id, null::text as note
from operations o
cross join lateral (
    select coalesce(bool_or(s.kind = $4::text), false) as at_step, coalesce(bool_or({asks_user}), false) as asks_user
    from steps s where s.operation_id = o.id and s.state is not distinct from 'waiting'
) w
where o.state = 'running'
and (o.created_at, o.instance_id) > (coalesce($1::timestamptz, '-infinity'), $2::text)
-- Of a `case` PostgreSQL expects that half of the rows fit, of `$5 is null or …` that hardly one does: then it would not stop at a page.
and case when $4 is null then true else w.at_step end
and case when $5::boolean is null then true else w.asks_user = $5 end
order by o.created_at, o.instance_id
limit $3
