-- The certificate that each distribution of a live instance was last configured with, and its renewals.
select json_build_object(
    'id', c.id,
    'instance', i.id,
    'tenant', i.tenant,
    'names', c.names,
    'not_before', c.not_before,
    'not_after', c.not_after,
    'renew_at', c.renew_at,
    'attached_at', c.attached_at,
    'reference', c.reference,
    'failures', f.failures,
    'failed_at', f.failed_at,
    'failure', f.failure,
    'cause', f.cause,
    'at_work', w.kind,
    'removal_failed', r.removal_failed,
    'read_at', now())
from certificates_in_use c
join instances i on i.id = c.instance_id
join lateral (
    select count(*) as failures, max(o.ended_at) as failed_at,
        (array_agg(o.failure order by o.ended_at desc))[1] as failure, (array_agg(o.cause order by o.ended_at desc))[1] as cause
    from operations o
    where o.instance_id = i.id and o.kind = 'renew' and o.state = 'failed' and o.created_at > c.attached_at
) f on true
left join lateral (
    select o.kind from operations o where o.instance_id = i.id and o.state = 'running'
) w on true
join lateral (
    select exists (select from operations o where o.instance_id = i.id and o.kind = 'deprovision' and o.state = 'failed') as removal_failed
) r on true
where $1::float8 is null or c.not_after < now() + $1 * interval '1 second'
order by c.not_after, i.id
