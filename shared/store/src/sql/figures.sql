-- Waiting work, and the last count of certificates. Waiting, running and failed rows are found through partial indexes: however many instances are
-- stored, as much is read as waits.
with waiting as (
    select kind, count(*) as count, min(created_at) as first_made, min(due_at) as first_due
    from steps where state = 'waiting'
    group by kind
), running as (
    select kind, count(*) as count
    from operations where state = 'running'
    group by kind
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
    'certificates', (
        select json_build_object(
            'counted_at', extract(epoch from counted_at),
            'days_left', days_left,
            'soonest_end', extract(epoch from soonest_end),
            'late', late)
        from certificate_count),
    'in_trouble', (select count(*) from renewals_in_trouble),
    'proofs_gone', (select count(*) from claims c join claim_states k on k.instance_id = c.instance_id and k.domain = c.domain
        where c.proof_gone_at is not null and k.state = 'has'),
    'to_revoke', (select count(*) from certificates_to_revoke),
    'to_roll_over', (select count(*) from acme_accounts where rollover_asked_at is not null and account_uri is not null),
    'iam', (
        select json_build_object('server_certificates', held, 'quota', quota)
        from certificate_store_usage where store = 'iam' and read_at > now() - interval '1 day'))
