-- What runs, by the step that it waits for. Waiting and running rows are found through partial indexes.
with waiting as (
    select s.operation_id, s.kind, bool_or({asks_user}) as asks_user
    from steps s where s.state = 'waiting'
    group by s.operation_id, s.kind
), running as (
    select o.id, o.created_at from operations o where o.state = 'running'
), at_step as (
    select w.kind, count(*) as operations,
        count(*) filter (where r.created_at > now() - interval '1 hour') as of_an_hour,
        count(*) filter (where r.created_at <= now() - interval '1 hour' and r.created_at > now() - interval '1 day') as of_a_day,
        count(*) filter (where r.created_at <= now() - interval '1 day') as older,
        greatest(0, extract(epoch from now() - min(r.created_at))) as oldest_seconds
    from waiting w join running r on r.id = w.operation_id
    group by w.kind
)
select json_build_object(
    'read_at', now(),
    'running', (select count(*) from running),
    'users', (select count(distinct w.operation_id) from waiting w join running r on r.id = w.operation_id where w.asks_user),
    'steps', (select coalesce(json_agg(to_json(a) order by a.operations desc, a.kind), '[]') from at_step a))
