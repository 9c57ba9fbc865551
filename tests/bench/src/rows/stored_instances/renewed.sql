-- Instances with two years of renewals behind them, as HISTORY_RETENTION (90 days) leaves them: their provision, which is what a platform asks about,
-- and the renewals of the last 90 days, one or two, since a certificate is renewed after 60. Each has its steps, order, authorizations and
-- certificate. The first 50 instances have an operation that waits for their domains. Nothing is due within the next hours. What is given: how
-- many, and what an instance stores.
create temporary table renewed as
    select n, 'renewed-' || n as id, 'renewed-organization-' || n / 20 as tenant,
        array(select 'd' || d || '.renewed-' || n || '.example.net' from generate_series(1, 1 + n % 3) d) as domains
    from given, generate_series(1, given.instances) n;

-- The operations that have ended, the last renewal first; its certificate is in use.
create temporary table passed as
    select r.n, r.id, r.tenant, r.domains, o.kind, o.number, now() - interval '1 hour' - o.days * interval '1 day' as at,
        md5('operation ' || o.number || ' of ' || r.n)::uuid as operation, md5('order ' || o.number || ' of ' || r.n)::uuid as order_id
    from renewed r, lateral (values (1, 'renew', r.n % 60), (2, 'renew', r.n % 60 + 60), (3, 'provision', r.n % 60 + 720)) as o (number, kind, days)
    where o.days < 90 or o.kind = 'provision';

insert into acme_accounts (tenant, directory_url, sealed_key, account_uri, created_at)
    select distinct tenant, 'https://ca.example/directory', '\x00'::bytea, 'https://ca.example/account/' || tenant, now() - interval '790 days'
    from renewed;

insert into instances (id, tenant, service_id, plan_id, settings, request, distribution_id, distribution_domain, created_at, creating_since)
    select p.id, p.tenant, g.service_id, g.plan_id, g.settings,
        g.request || jsonb_build_object('tenant', p.tenant, 'parameters', g.request->'parameters' || jsonb_build_object('domains', p.domains)),
        'ERENEWED' || p.n, 'drenewed' || p.n || '.cloudfront.net', p.at, p.at
    from passed p, given g where p.kind = 'provision';

-- What has been kept for longer than the retention was last looked at within it.
insert into operations (id, instance_id, kind, state, platform, created_at, deadline_at, ended_at, kept_at)
    select operation, id, kind, 'succeeded', case kind when 'provision' then 'cloud-controller' end, at - interval '5 minutes',
        at + interval '6 days', at, case kind when 'provision' then now() - interval '1 hour' - n % 89 * interval '1 day' end
    from passed order by at;

insert into claims (instance_id, domain, tenant, proved, asked_at, proved_at, seen_at, proof_checked_at)
    select id, unnest(domains), tenant, true, now() - interval '780 days', at, at, now() - n % 500 * interval '1 minute'
    from passed where number = 1;

insert into orders (id, operation_id, round, url, expires_at, account_uri, directory_url, replaces, created_at)
    select order_id, operation, 1, 'https://ca.example/order/' || order_id, at + interval '7 days', 'https://ca.example/account/' || tenant,
        'https://ca.example/directory', case kind when 'renew' then 'replaced-' || n || '-' || number end, at
    from passed order by at;

insert into authorizations (order_id, domain, url, valid, challenges)
    select order_id, domain, 'https://ca.example/authorization/' || order_id || '/' || domain, true,
        jsonb_build_object('v', 1, 'unusable', '{}'::jsonb, 'offered', jsonb_build_object('dns-persist-01', jsonb_build_object(
            'form', 'account-url', 'issuer_domains', array['ca.example'],
            'account_uris', jsonb_build_object('to_set', 'https://ca.example/account/' || tenant, 'besides', '[]'::jsonb))))
    from (select * from passed order by at) p, unnest(p.domains) as domain;

insert into steps (id, operation_id, kind, service, round, state, verdict, attempt, due_at, deadline_at, checked_at, rung_at, created_at, ended_at)
    select gen_random_uuid(), p.operation, s.kind, s.service, 1, 'done', 'accomplished', 1, p.at, p.at + interval '7 days', p.at, p.at, p.at, p.at
    from (select * from passed order by at) p, (values (null, 'place-order', 'certificate-issuer'), (null, 'answer-challenges', 'certificate-issuer'),
        (null, 'await-validation', 'certificate-issuer'), (null, 'finalize-order', 'certificate-issuer'),
        (null, 'upload-certificate', 'cert-installer'), ('provision', 'create-distribution', 'distribution'),
        ('renew', 'attach-certificate', 'cert-installer'), (null, 'await-deployment', 'distribution'),
        ('renew', 'retire-certificates', 'cert-installer')) as s (only_of, kind, service)
    where s.only_of is null or s.only_of = p.kind;
insert into steps (id, operation_id, kind, service, subject, round, state, verdict, method, attempt, due_at, deadline_at, checked_at, rung_at,
        created_at, ended_at)
    select gen_random_uuid(), p.operation, 'verify-challenge', 'challenge-verifier', domain, 1, 'done', 'verified', 'dns-persist-01', 4,
        p.at, p.at + interval '7 days', p.at, p.at, p.at, p.at
    from (select * from passed order by at) p, unnest(p.domains) as domain;

-- The chain is compressed to one line: no question reads it while nothing is due.
insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, retired_at, created_at, uploaded_at,
        renew_at, renewal_info_due, iam_name, iam_id, reference)
    select md5('certificate ' || number || ' of ' || n)::uuid, id, order_id, domains, repeat(md5(n::text), 90), at, at + interval '90 days', at,
        case when number > 1 then at + interval '60 days' end, at, at, at + interval '60 days',
        case when number = 1 then now() + interval '12 hours' + n % 720 * interval '1 minute' else at + interval '59 days' end,
        'renewed-' || order_id, 'ASCA' || order_id, reference_in_iam('renewed-' || order_id, 'ASCA' || order_id)
    from passed order by at;

-- Those that run: updates and renewals in turns, whose domains are looked at again in an hour.
create temporary table running as
    select r.*, md5('running operation of ' || n)::uuid as operation, md5('running order of ' || n)::uuid as order_id
    from renewed r where n <= 50;
insert into operations (id, instance_id, kind, state, platform, target, created_at, deadline_at)
    select r.operation, r.id, case r.n % 2 when 0 then 'update' else 'renew' end, 'running', case r.n % 2 when 0 then 'cloud-controller' end,
        case r.n % 2 when 0 then jsonb_build_object('request', i.request, 'settings', i.settings, 'new_certificate', true) end,
        now() - interval '10 minutes', now() + interval '6 days'
    from running r join instances i on i.id = r.id;
insert into orders (id, operation_id, round, url, expires_at, account_uri, directory_url, created_at)
    select order_id, operation, 1, 'https://ca.example/order/' || order_id, now() + interval '7 days', 'https://ca.example/account/' || tenant,
        'https://ca.example/directory', now() - interval '10 minutes'
    from running;
insert into authorizations (order_id, domain, url, valid, challenges)
    select r.order_id, z.domain, z.url, false, z.challenges
    from running r join passed p on p.n = r.n and p.number = 1 join authorizations z on z.order_id = p.order_id;
insert into steps (id, operation_id, kind, service, subject, round, state, attempt, due_at, deadline_at, checked_at, rung_at, created_at)
    select gen_random_uuid(), operation, 'verify-challenge', 'challenge-verifier', domain, 1, 'waiting', 4, now() + interval '1 hour',
        now() + interval '6 days', now(), now(), now() - interval '10 minutes'
    from running, unnest(domains) as domain;
