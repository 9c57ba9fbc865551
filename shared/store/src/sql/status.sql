-- Everything in pipeline::status::View, in one statement over indexes.
with asked as (
    select o.id, o.kind, o.state, o.version, o.failure, i.tenant, i.distribution_domain, i.id as instance_id,
           coalesce(o.target->'request', i.request)->'parameters'->'domains' as domains,
           (select max(s.round) from steps s where s.operation_id = o.id) as round
    from instances i
    join operations o on o.instance_id = i.id
    -- A renewal is never the last operation that a platform sees.
    where i.id = $1 and (o.id = $2 or ($2::uuid is null and o.kind <> 'renew'))
    order by o.created_at desc
    limit 1
)
select json_build_object(
    'kind', a.kind,
    'state', a.state,
    'version', a.version,
    'failure', a.failure,
    'tenant', a.tenant,
    'distribution_domain', a.distribution_domain,
    'now', now(),
    'certificate_not_after', (
        select max(c.not_after) from certificates c where c.instance_id = a.instance_id and c.attached_at is not null and c.retired_at is null),
    'order_spent', (
        select reason_of(s) from steps s
        where s.operation_id = a.id and s.verdict = 'order-spent'
        order by s.round desc limit 1),
    'fallback_to', case when r.fallback then r.directory_url end,
    'domains', coalesce((
        select json_agg(json_build_object(
            'domain', c.domain,
            'step_state', s.state,
            'waiting_for', s.reason - 'memory',
            'checked_at', s.checked_at,
            'due_at', s.due_at,
            'challenges', z.challenges,
            'challenges_are_new', coalesce(known.id = r.id, false),
            'method', s.method,
            'ca_said', c.ca_said,
            'wins_at', c.wins_at,
            'loses_at', case when c.proved then (
                select min(k.wins_at) from claim_states k
                where k.domain = c.domain and k.instance_id <> c.instance_id and k.state = 'asks') end,
            'lost_at', c.lost_at,
            'proof_gone_at', c.proof_gone_at,
            'proof_seen', c.proof_seen,
            'gives_up_at', case when a.kind = 'update' and s.state = 'waiting' and c.seen_at is null and not c.proved
                then s.deadline_at end) order by c.domain)
        from claims c
        -- Each by its whole key, whatever the planner takes for the number of rows: with a join it reads all steps and
        -- authorizations again for each domain.
        left join lateral (
            select v.state, v.checked_at, v.due_at, v.method, v.deadline_at, reason_of(v) as reason from steps v
            where v.operation_id = a.id and v.kind = 'verify-challenge' and v.subject = c.domain and v.round = a.round
            limit 1) s on true
        left join lateral (
            select {challenges} as challenges from authorizations z
            where z.order_id = known.id and z.domain = c.domain
            limit 1) z on true
        where c.instance_id = a.instance_id and a.domains ? c.domain), '[]'),
    'steps', coalesce((
        select json_agg(json_build_object(
            'kind', s.kind,
            'waiting_for', reason_of(s),
            'due_at', s.due_at) order by s.round, s.created_at)
        from steps s
        -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
        where s.operation_id = a.id and s.state is not distinct from 'waiting' and s.kind <> 'verify-challenge'), '[]')
)
from asked a
left join orders r on r.operation_id = a.id and r.round = a.round
-- Values that outlast their order apply to the order that is being placed, too.
left join lateral (
    select q.id from orders q
    where q.operation_id = a.id and exists (select 1 from authorizations y where y.order_id = q.id)
    order by q.round desc limit 1) known on true
