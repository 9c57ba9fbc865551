-- Additive: a program of schema 1 keeps working on it.

-- The link to an instance's status page; made when the platform is first told of it.
create table page_links (
    instance_id text primary key references instances on delete cascade,
    -- The one that is alive: a link is signed for a number.
    number      integer not null default 1,
    expires_at  timestamptz not null,
    revoked_at  timestamptz,
    used_at     timestamptz
);
