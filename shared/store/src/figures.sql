-- How much waits and what ends when. What waits and what runs is found by partial indexes; all certificates are read.
with waiting as (
    select kind, count(*) as count, min(created_at) as first_made, min(due_at) as first_due
    from steps where state = 'waiting'
    group by kind
), running as (
    select kind, count(*) as count
    from operations where state = 'running'
    group by kind
), in_use as (
    -- The one that the distribution was last told to use; one before it may still wait to be taken out of IAM.
    select distinct on (c.instance_id) c.not_after
    from certificates c join instances i on i.id = c.instance_id
    where c.attached_at is not null and c.retired_at is null and i.deleted_at is null
    order by c.instance_id, c.attached_at desc
), ending as (
    select case
            when not_after <= now() then 'ended'
            when not_after < now() + interval '7 days' then '0-6'
            when not_after < now() + interval '14 days' then '7-13'
            when not_after < now() + interval '21 days' then '14-20'
            when not_after < now() + interval '30 days' then '21-29'
            when not_after < now() + interval '60 days' then '30-59'
            else '60+'
        end as days_left,
        count(*) as count,
        min(not_after) as soonest
    from in_use
    group by 1
)
select json_build_object(
    'read_at', extract(epoch from now()),
    'steps', (
        select coalesce(json_object_agg(kind, json_build_object(
            'count', count,
            'oldest_seconds', greatest(0, extract(epoch from now() - first_made)),
            'overdue_seconds', greatest(0, extract(epoch from now() - first_due)))), '{}')
        from waiting),
    'operations', (select coalesce(json_object_agg(kind, count), '{}') from running),
    'certificates', (select coalesce(json_object_agg(days_left, count), '{}') from ending),
    'soonest_end', (select extract(epoch from min(soonest)) from ending))
