-- Everything in the operator's Dossier, in one statement.
with newest as (
    select o.id, (select max(s.round) from steps s where s.operation_id = o.id) as round,
           coalesce(o.target->'request', i.request)->'parameters'->'domains' as domains
    from operations o join instances i on i.id = o.instance_id
    where o.instance_id = $1
    order by o.created_at desc limit 1
)
select json_build_object(
    'id', i.id,
    'tenant', i.tenant,
    'service_id', i.service_id,
    'plan_id', i.plan_id,
    'settings', i.settings,
    'domains', array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d order by d collate "C"),
    'distribution_id', i.distribution_id,
    'distribution_domain', i.distribution_domain,
    'function_name', i.function_name,
    'created_at', i.created_at,
    'deleted_at', i.deleted_at,
    'read_at', clock_timestamp(),
    'certificates', coalesce((
        select json_agg(json_build_object(
            'id', c.id,
            'names', c.names,
            'chain_pem', c.chain_pem,
            'reference', c.reference,
            'not_before', c.not_before,
            'not_after', c.not_after,
            'renew_at', c.renew_at,
            'attached_at', c.attached_at,
            'retired_at', c.retired_at,
            'revoke_before', case when r.created_at < i.revoke_before then i.revoke_before end,
            'revoked_at', c.revoked_at,
            'revoke_problem', c.revoke_problem,
            'created_at', c.created_at) order by c.created_at)
        from certificates c join orders r on r.id = c.order_id where c.instance_id = i.id), '[]'),
    'operations', coalesce((
        select json_agg(json_build_object(
            'id', o.id,
            'kind', o.kind,
            'state', o.state,
            'failure', o.failure,
            'cause', o.cause,
            'platform', o.platform,
            'originating_identity', o.originating_identity,
            'request_identity', o.request_identity,
            'target', o.target,
            'created_at', o.created_at,
            'deadline_at', o.deadline_at,
            'ended_at', o.ended_at,
            'steps', coalesce((
                select json_agg(json_build_object(
                    'id', s.id,
                    'kind', s.kind,
                    'service', s.service,
                    'subject', s.subject,
                    'round', s.round,
                    'attempt', s.attempt,
                    'state', s.state,
                    'verdict', s.verdict,
                    'method', s.method,
                    'waiting_for', reason_of(s) - 'memory',
                    'created_at', s.created_at,
                    'checked_at', s.checked_at,
                    'due_at', s.due_at,
                    'deadline_at', s.deadline_at,
                    'published_at', s.rung_at,
                    'swept', s.swept,
                    'crashes', s.crashes,
                    'ended_at', s.ended_at) order by s.created_at, s.round, s.kind, s.subject)
                from steps s where s.operation_id = o.id), '[]')) order by o.created_at)
        from operations o where o.instance_id = i.id), '[]'),
    'challenges', coalesce((
        select json_agg(json_build_object(
            'domain', c.domain,
            'proved', c.proved,
            'rejections', c.rejections,
            'ca_said', c.ca_said,
            'held_until', c.held_until,
            'step_state', s.state,
            'method', s.method,
            'seen', reason_of(s) - 'memory',
            'checked_at', s.checked_at,
            'due_at', s.due_at,
            'valid', z.valid,
            'account_uri', r.account_uri,
            'challenges', {challenges}) order by c.domain)
        from claims c
        join newest n on n.domains ? c.domain
        left join orders r on r.operation_id = n.id and r.round = n.round
        left join authorizations z on z.order_id = r.id and z.domain = c.domain
        left join steps s on s.operation_id = n.id and s.kind = 'verify-challenge' and s.subject = c.domain and s.round = n.round
        where c.instance_id = i.id), '[]')
)
from instances i
where i.id = $1
