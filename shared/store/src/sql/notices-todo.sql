-- Operations that were requested $1 milliseconds ago, wait for their user, and whose instance tells somebody of it: first when they are found,
-- and once more when they end within a day. An update that will not wait for a domain longer ends with that domain's step.
select o.id, o.instance_id, m.mark
from operations o
cross join lateral (
    select coalesce(bool_or({asks_user}), false) as asks_user,
        min(s.deadline_at) filter (where s.kind = 'verify-challenge') as ends_at
    from steps s where s.operation_id = o.id and s.state is not distinct from 'waiting'
) w
cross join lateral (
    select case when least(o.deadline_at, w.ends_at) < now() + interval '1 day' then 'last-day' else 'first' end as mark
) m
where o.state = 'running' and o.kind in ('provision', 'update') and o.created_at < now() - $1::float8 * interval '1 millisecond'
and exists (select from instance_recipients l where l.instance_id = o.instance_id and 'todo' = any(l.events) and l.left_at is null)
and not exists (select from notices n where n.key = any(array['todo/' || o.id::text || '/' || m.mark, 'todo/' || o.id::text || '/last-day']))
and w.asks_user
order by o.created_at limit 500
