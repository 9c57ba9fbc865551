-- Measures the last operations of each kind that succeeded, as the page shows an operation's stages: from the first step of a kind to the end of the
-- last one, in the newest round. How long domains are checked depends on when their tenants set records, so it tells others nothing.
with newest as (
    select o.id, o.kind
    from (values ('provision'), ('update'), ('deprovision'), ('renew')) k (kind)
    cross join lateral (
        select p.id, p.kind from operations p where p.state = 'succeeded' and p.kind = k.kind order by p.ended_at desc limit 200) o
), stages as (
    select n.kind as operation, s.kind as step, extract(epoch from max(s.ended_at) - min(s.created_at))::float8 as took
    from newest n
    join steps s on s.operation_id = n.id
    where s.round = (select max(m.round) from steps m where m.operation_id = n.id) and s.kind <> 'verify-challenge'
    group by n.id, n.kind, s.kind
    having bool_and(s.state = 'done')
)
insert into step_durations (operation, step, counted_at, successes, p50_seconds, p90_seconds)
select operation, step, now(), count(*)::integer, percentile_cont(0.5) within group (order by took),
    percentile_cont(0.9) within group (order by took)
from stages
group by operation, step
