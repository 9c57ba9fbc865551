-- Everything in pipeline::page::Facts, in one statement over indexes: the newest operations lead to orders and certificates.
with newest as (
    select o.id from operations o where o.instance_id = $1 order by o.created_at desc limit 20
), asked as (
    -- What the status is about.
    select o.id from operations o where o.instance_id = $1 and o.kind <> 'renew' order by o.created_at desc limit 1
), renewal as (
    -- The one that runs, or else the last one, if it failed.
    select coalesce(
        (select o.id from operations o where o.instance_id = $1 and o.state = 'running' and o.kind = 'renew'),
        (select t.operation_id from renewals_in_trouble t where t.instance_id = $1)) as id
), listed as (
    select n.id from newest n union select a.id from asked a union select r.id from renewal r
), in_use as (
    select c.id, c.names, c.chain_pem, c.not_before, c.not_after, c.renew_at, c.attached_at, c.revoked_at,
        -- The view is older than this column.
        (select k.renew_by from certificates k where k.id = c.id) as renew_by
    from certificates_in_use c where c.instance_id = $1
)
select json_build_object(
    'settings', i.settings,
    'adopted', exists (select from offers f where f.taken_by = i.id),
    'renewal', (select r.id from renewal r),
    'operations', coalesce((
        select json_agg(json_build_object(
            'id', o.id,
            'kind', o.kind,
            'state', o.state,
            'failure', o.failure,
            'identity', o.originating_identity,
            'new_certificate', coalesce((o.target->>'new_certificate')::boolean, false),
            'changes', coalesce(o.changes, '[]'),
            'function', i.function_name is not null
                or coalesce(i.settings->>'redirect_to', o.target->'settings'->>'redirect_to') is not null,
            'created_at', o.created_at,
            'ended_at', o.ended_at,
            'stages', coalesce((
                select json_agg(json_build_object(
                    'kind', t.kind,
                    'count', t.steps,
                    'done', t.done,
                    'waiting', t.waiting,
                    'failed', t.failed,
                    'begun_at', t.begun_at,
                    'ended_at', t.ended_at) order by t.begun_at, t.kind)
                from (
                    select s.kind,
                        count(*) as steps,
                        count(*) filter (where s.state = 'done') as done,
                        count(*) filter (where s.state = 'waiting') as waiting,
                        count(*) filter (where s.state = 'failed') as failed,
                        min(s.created_at) as begun_at,
                        max(s.ended_at) as ended_at
                    from steps s
                    where s.operation_id = o.id
                        and s.round = (select max(m.round) from steps m where m.operation_id = o.id)
                        and (o.id = (select a.id from asked a) or o.id = (select r.id from renewal r))
                    group by s.kind) t), '[]'),
            'news', coalesce((
                select json_agg(json_build_object(
                    'kind', w.kind,
                    'subject', w.subject,
                    'at', w.at,
                    'reason', w.reason) order by w.at desc, w.attempt desc)
                from (
                    select s.kind, s.subject, n.at, n.attempt, n.reason
                    from steps s join step_news n on n.step_id = s.id
                    where s.operation_id = o.id
                    order by n.at desc, n.attempt desc limit $2) w), '[]')) order by o.created_at desc)
        from listed l join operations o on o.id = l.id), '[]'),
    'certificate', (
        select json_build_object(
            'names', c.names,
            'chain_pem', c.chain_pem,
            'not_before', c.not_before,
            'not_after', c.not_after,
            'renew_at', c.renew_at,
            'renew_by', c.renew_by,
            'attached_at', c.attached_at,
            'revoked_at', c.revoked_at)
        from in_use c),
    'earlier', coalesce((
        select json_agg(json_build_object(
            'names', c.names,
            'not_before', c.not_before,
            'not_after', c.not_after,
            'attached_at', c.attached_at,
            'retired_at', c.retired_at,
            'revoked_at', c.revoked_at) order by c.attached_at desc)
        from newest n join orders r on r.operation_id = n.id join certificates c on c.order_id = r.id
        where c.attached_at is not null and c.id is distinct from (select u.id from in_use u)), '[]'),
    'claims', coalesce((
        select json_agg(json_build_object(
            'domain', c.domain,
            'proved', c.proved,
            'asked_elsewhere', exists (
                select from claim_states k
                where k.domain = c.domain and k.instance_id <> c.instance_id and k.state = 'asks'),
            'proof_checked_at', c.proof_checked_at) order by c.domain)
        from claims c where c.instance_id = i.id), '[]'),
    'looks', coalesce((
        select json_agg(json_build_object(
            'domain', s.subject,
            'asked_at', s.asked_at,
            'published', s.rung_at is not null,
            'again_at', {again_at},
            'held_until', (select c.held_until from claims c where c.instance_id = i.id and c.domain = s.subject)))
        from operations o join steps s on s.operation_id = o.id
        where o.instance_id = i.id and o.state = 'running'
            and s.kind = 'verify-challenge' and s.state is not distinct from 'waiting'), '[]'),
    'proofs', coalesce((
        select json_agg(json_build_object(
            'domain', p.domain,
            'method', p.method,
            'challenges', p.challenges))
        from (
            -- A domain that the CA considered valid was not probed, so its proof is an older one.
            select distinct on (c.domain) c.domain, s.method, {challenges} as challenges
            from {proofs}
            left join authorizations z on z.order_id = r.id and z.domain = c.domain
            where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc) p), '[]'),
    'outside', (
        select json_build_object(
            'asked_at', c.asked_at,
            'attempts', c.attempts,
            'taken_at', c.taken_at,
            'done_at', c.done_at,
            'result', c.result)
        from outside_checks c where c.instance_id = i.id),
    'usual', coalesce((
        select json_agg(json_build_object(
            'operation', d.operation,
            'step', d.step,
            'successes', d.successes,
            'p50', d.p50_seconds,
            'p90', d.p90_seconds))
        from step_durations d), '[]')
)
from instances i
where i.id = $1 and i.deleted_at is null
