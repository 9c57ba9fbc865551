-- Additive, but for one index: a program of schema 14 keeps working on it. It ends no proof, though, and fails whoever asks for a
-- domain that is proved: upgrade challenge-verifier before the others.

-- An instance that could not be created, or that is being removed, doesn't keep a domain from another one of its tenant.
drop index claims_once_per_tenant;
create index claims_domain on claims (domain);

alter table claims
    -- When the instance asked for it.
    add column asked_at timestamptz,
    -- When it was proved, the last time.
    add column proved_at timestamptz,
    -- When the verifier last saw the tenant's proof in place.
    add column seen_at timestamptz,
    -- Of an instance that asks for a domain that another one has: its own proof is in place, the other's is not, and if that stays
    -- so, the domain is its from then on.
    add column wins_at timestamptz,
    -- When the domain went to another instance, or was released by an operator, and to which instance.
    add column lost_at timestamptz,
    add column lost_to text references instances;
update claims c set asked_at = i.created_at from instances i where i.id = c.instance_id;
alter table claims alter column asked_at set default clock_timestamp();
alter table claims alter column asked_at set not null;

-- How a claim stands: 'has' and 'asks' count, the others are left over. An instance is judged by the newest operation that a
-- platform asked for.
create view claim_states as
    select c.*, o.created_at as operation_since, case
        when o.kind = 'deprovision' then 'being-removed'
        when o.kind = 'provision' and o.state in ('failed', 'superseded') then 'not-created'
        when c.lost_at is not null then 'lost'
        when c.proved then 'has'
        else 'asks' end as state
    from claims c join lateral (
        select o.kind, o.state, o.created_at from operations o where o.instance_id = c.instance_id and o.kind <> 'renew'
        order by o.created_at desc limit 1) o on true;
