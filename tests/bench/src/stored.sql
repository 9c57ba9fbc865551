-- Instances at rest, as a finished provision leaves them: one to three domains each, proved by a set-once record, one certificate in use, nothing
-- due. @…@ are replaced by the program.
create temporary table stored on commit drop as
    select n, 'stored-' || n as id, 'stored-organization-' || n % 500 as tenant,
        array(select 'd' || d || '.stored-' || n || '.example.net' from generate_series(1, 1 + n % 3) d) as domains,
        now() - interval '1 hour' - n % 50 * interval '1 day' as made_at,
        md5('operation ' || n)::uuid as operation, md5('order ' || n)::uuid as order_id, md5('certificate ' || n)::uuid as certificate
    from generate_series(1, @count@) n;

insert into instances (id, tenant, service_id, plan_id, settings, request, distribution_id, distribution_domain, created_at, creating_since)
    select id, tenant, '@service_id@', '@plan_id@', '@settings@'::jsonb,
        '@request@'::jsonb || jsonb_build_object('tenant', tenant, 'service_id', '@service_id@', 'plan_id', '@plan_id@', 'space_guid', 'a-space',
            'parameters', '@request@'::jsonb->'parameters' || jsonb_build_object('domains', domains)),
        'ESTORED' || n, 'dstored' || n || '.cloudfront.net', made_at, made_at
    from stored;

insert into operations (id, instance_id, kind, state, platform, created_at, deadline_at, ended_at)
    select operation, id, 'provision', 'succeeded', 'cloud-controller', made_at, made_at + interval '6 days', made_at + interval '5 minutes' from stored;

insert into claims (instance_id, domain, tenant, proved, asked_at, proved_at, seen_at, proof_checked_at)
    select id, unnest(domains), tenant, true, made_at, made_at, made_at, now() from stored;

insert into orders (id, operation_id, round, url, expires_at, account_uri, created_at)
    select order_id, operation, 1, 'https://ca.example/order/' || n, made_at + interval '7 days', 'https://ca.example/account/' || tenant, made_at from stored;

insert into authorizations (order_id, domain, url, valid, challenges)
    select order_id, domain, 'https://ca.example/authorization/' || n || '/' || domain, true,
        jsonb_build_object('v', 1, 'unusable', '{}'::jsonb, 'offered', jsonb_build_object('dns-persist-01', jsonb_build_object(
            'form', 'account-url', 'issuer_domains', array['ca.example'],
            'account_uris', jsonb_build_object('to_set', 'https://ca.example/account/' || tenant, 'besides', '[]'::jsonb))))
    from stored, unnest(domains) as domain;

insert into steps (id, operation_id, kind, service, round, state, verdict, attempt, due_at, deadline_at, checked_at, rung_at, created_at, ended_at)
    select gen_random_uuid(), operation, kind, service, 1, 'done', 'accomplished', 1, made_at, made_at + interval '7 days', made_at, made_at, made_at, made_at
    from stored, (values ('place-order', 'certificate-issuer'), ('answer-challenges', 'certificate-issuer'),
        ('await-validation', 'certificate-issuer'), ('finalize-order', 'certificate-issuer'), ('upload-certificate', 'cert-installer'),
        ('create-distribution', 'distribution'), ('await-deployment', 'distribution')) as steps_of_a_provision (kind, service);
insert into steps (id, operation_id, kind, service, subject, round, state, verdict, method, attempt, due_at, deadline_at, checked_at, rung_at,
        created_at, ended_at)
    select gen_random_uuid(), operation, 'verify-challenge', 'challenge-verifier', domain, 1, 'done', 'verified', 'dns-persist-01', 4,
        made_at, made_at + interval '7 days', made_at, made_at, made_at, made_at
    from stored, unnest(domains) as domain;

insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, created_at, uploaded_at,
        renew_at, renewal_info_due, iam_name, iam_id, reference)
    select certificate, id, order_id, domains, repeat(md5(n::text), 90), made_at, made_at + interval '90 days', made_at, made_at, made_at,
        made_at + interval '60 days', now() + interval '30 days', 'stored-' || n, 'ASCASTORED' || n,
        reference_in_iam('stored-' || n, 'ASCASTORED' || n)
    from stored;
