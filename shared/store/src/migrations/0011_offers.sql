-- Additive. A distribution of another broker that a tenant's next provision with the same domains takes over. A service distribution of
-- schema 10 takes none: upgrade it before cdnctl adopt is used.
create table offers (
    distribution_id     text primary key,
    distribution_domain text not null,
    tenant              text not null,
    -- sorted
    aliases             text[] not null,
    offered_at          timestamptz not null default now(),
    until               timestamptz not null,
    taken_by            text references instances,
    -- When the instance was about to write to it for the first time: until then it is the old broker's, and is given back by a removal.
    written_at          timestamptz
);
create index offers_taken on offers (taken_by) where taken_by is not null;
