-- Operations whose domains are waited for, as a provision leaves them while nobody sets a record, but without an order: an attempt at a step finds
-- no challenges, asks nobody, and leaves the step waiting. They are three hours old, so that the longest delay follows each attempt.
-- $1 how ids begin, $2 the first number, $3 instances, $4 domains of each, $5 organizations, $6 settings, $7 request, $8 when the first step is due,
-- $9 within how many seconds all are.
with wanted as materialized (
    select $1::text || n as id, $1::text || 'organization-' || n % $5::integer as tenant, gen_random_uuid() as operation,
        array(select 'd' || d || '.' || $1::text || n || '.example.com' from generate_series(0, $4::integer - 1) d) as domains,
        now() - interval '3 hours' as made_at
    from generate_series($2::integer, $2::integer + $3::integer - 1) n
), the_instances as (
    insert into instances (id, tenant, service_id, plan_id, settings, request, created_at)
    select id, tenant, $7::jsonb->>'service_id', $7::jsonb->>'plan_id', $6::jsonb,
        $7::jsonb || jsonb_build_object('tenant', tenant, 'parameters', $7::jsonb->'parameters' || jsonb_build_object('domains', domains)), made_at
    from wanted
), the_claims as (
    insert into claims (instance_id, tenant, domain, asked_at)
    select id, tenant, unnest(domains), made_at from wanted
), the_operations as (
    insert into operations (id, instance_id, kind, platform, created_at, deadline_at)
    select operation, id, 'provision', 'cloud-controller', made_at, made_at + interval '6 days 12 hours' from wanted
), placed as (
    insert into steps (id, operation_id, kind, service, round, state, verdict, due_at, deadline_at, checked_at, rung_at, created_at, ended_at)
    select gen_random_uuid(), operation, 'place-order', 'certificate-issuer', 1, 'done', 'accomplished', made_at, made_at + interval '7 days',
        made_at, made_at, made_at, made_at
    from wanted
)
insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, rung_at, created_at)
select gen_random_uuid(), operation, 'verify-challenge', 'challenge-verifier', domain, 1, 'waiting',
    $8::timestamptz + random() * $9::float8 * interval '1 second', made_at + interval '7 days', now(), made_at
from wanted, unnest(domains) as domain
returning id, due_at
