-- Additive: a program of schema 1 keeps working on it. What comes round by itself is found by an index of what is due, or of what is not at rest,
-- however many instances are stored.

-- Tables in the order in which operations end: a writer that waits for this must not be what it waits for.
create index operations_renewals on operations (instance_id, created_at desc) where kind = 'renew' and state in ('failed', 'running');

-- Few are removed: it is cheaper to leave their certificates out than to look for all others.
create index instances_deleted on instances (id) where deleted_at is not null;
create index instances_distrusted on instances (id) where keys_distrusted_at is not null;

-- Written when a proof was looked at, which is not often; what is written more often is in none of them.
create index claims_standing on claims ((coalesce(proof_checked_at, proved_at))) where proved;
create index claims_proof_gone on claims (instance_id) where proof_gone_at is not null;

create index acme_accounts_rollover on acme_accounts (rollover_asked_at) where rollover_asked_at is not null;

-- Certificates that are served, by when they are renewed, and by when the CA is asked for that time: those that it was never asked about first.
create index certificates_renewals on certificates (renew_at) where attached_at is not null and retired_at is null;
create index certificates_renewal_infos on certificates ((coalesce(renewal_info_due, '-infinity')))
    where attached_at is not null and retired_at is null;
-- In place of certificates_attached: with what the totals need, so that these read no certificates.
create index certificates_served on certificates (instance_id, attached_at desc) include (not_before, not_after, renew_at)
    where attached_at is not null and retired_at is null;
drop index certificates_attached;

-- As before, but leaves out the removed instances in place of looking for the others, so that what reads few columns of all certificates in use
-- finds them in certificates_served. For certificates that are found otherwise, `id = (select id from certificates_in_use where instance_id = …)`
-- asks it for one instance at a time; a join or `exists` would read it as a whole.
create or replace view certificates_in_use as
    select distinct on (c.instance_id) c.*
    from certificates c
    where c.attached_at is not null and c.retired_at is null
        and not exists (select from instances i where i.id = c.instance_id and i.deleted_at is not null)
    order by c.instance_id, c.attached_at desc;

-- As before, but begins with the renewals: the newest that an instance has tells whether there is one since its certificate was attached.
create or replace view renewals_in_trouble as
    select o.instance_id, o.id as operation_id,
        (select count(*) from operations f where f.instance_id = o.instance_id and f.kind = 'renew' and f.state = 'failed'
            and f.created_at > c.attached_at) as failures,
        o.state, o.ended_at, o.failure, c.not_after
    from (select distinct on (t.instance_id) t.instance_id, t.id, t.state, t.created_at, t.ended_at, t.failure from operations t
            where t.kind = 'renew' and (t.state = 'failed' or (t.state = 'running' and t.created_at < now() - interval '1 hour'))
            order by t.instance_id, t.created_at desc) o
        join certificates c on c.instance_id = o.instance_id
    where c.attached_at is not null and c.retired_at is null and o.created_at > c.attached_at
        and c.id = (select u.id from certificates_in_use u where u.instance_id = o.instance_id);
