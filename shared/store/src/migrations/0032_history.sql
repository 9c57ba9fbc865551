-- Additive. An older certificate-issuer that prunes renewals reads whole tables for it, as long as it runs.

-- When the pruner last found that something still needs the operation: from then on it counts as one that ended then.
alter table operations add column kept_at timestamptz;
-- Whose time is up.
create index operations_history on operations ((coalesce(kept_at, ended_at))) where ended_at is not null;
drop index operations_ended_renewals;

-- An instance is deleted: PostgreSQL asks for the claims that refer to it.
create index claims_lost_to on claims (lost_to) where lost_to is not null;

-- A domain was proved by it, in an operation that is pruned: it is not replaced by an inherited one.
alter table delegation_targets add column served boolean not null default false;
