-- Waiting work and expiry dates. Waiting, running and failed rows are found through partial indexes; what is read of each certificate in use is in
-- an index, and what would be computed for each of them alike is computed once.
with waiting as (
    select kind, count(*) as count, min(created_at) as first_made, min(due_at) as first_due
    from steps where state = 'waiting'
    group by kind
), running as (
    select kind, count(*) as count
    from operations where state = 'running'
    group by kind
), in_use as (
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
    'soonest_end', (select extract(epoch from min(soonest)) from ending),
    'late', (select coalesce(sum(late), 0) from ending),
    'in_trouble', (select count(*) from renewals_in_trouble),
    'proofs_gone', (select count(*) from claims c join claim_states k on k.instance_id = c.instance_id and k.domain = c.domain
        where c.proof_gone_at is not null and k.state = 'has'),
    'to_revoke', (select count(*) from certificates_to_revoke),
    'to_roll_over', (select count(*) from acme_accounts where rollover_asked_at is not null and account_uri is not null),
    'iam', (
        select json_build_object('server_certificates', held, 'quota', quota)
        from certificate_store_usage where store = 'iam' and read_at > now() - interval '1 day'))
