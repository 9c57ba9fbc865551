-- Counts the certificates in use, for every broker-api. What is read of each is in an index, and what would be computed for each alike is computed
-- once.
with in_use as (
    select not_before, not_after, renew_at, coalesce(renew_at, not_before + (not_after - not_before) * 2 / 3) as due
    from certificates_in_use
), ending as (
    select case
            when not_after <= now() then 'ended'
            when not_after < (select now() + interval '7 days') then '0-6'
            when not_after < (select now() + interval '14 days') then '7-13'
            when not_after < (select now() + interval '21 days') then '14-20'
            when not_after < (select now() + interval '30 days') then '21-29'
            when not_after < (select now() + interval '60 days') then '30-59'
            else '60+'
        end as days_left,
        count(*) as count,
        min(not_after) as soonest,
        -- Two thirds of the time left when it was due have passed, whoever should have renewed it.
        count(*) filter (where case when renew_at > now() and not_after > now() then false
            else now() > due + (not_after - due) * 2 / 3 end) as late
    from in_use
    group by 1
)
insert into certificate_count (counted_at, days_left, soonest_end, late)
select now(), coalesce(jsonb_object_agg(days_left, count), '{}'), min(soonest), coalesce(sum(late), 0) from ending
on conflict (only_row) do update set counted_at = excluded.counted_at, days_left = excluded.days_left, soonest_end = excluded.soonest_end,
    late = excluded.late
