-- Additive: a program of schema 1 keeps working on it. Programs of schema 25 don't know the step publish-challenges nor the way
-- delegated-dns-01: set DELEGATION_ZONE once every process is upgraded.

-- The name in the broker's zone to which a tenant's CNAME for a domain leads. It is never deleted, and never another tenant's: a CNAME that
-- was left behind proves nothing for anybody else.
create table delegation_targets (
    tenant text not null,
    -- Without *. : a wildcard shares its parent's target.
    domain text not null,
    zone text not null,
    -- Unguessable.
    label text not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant, domain, zone),
    unique (zone, label)
);

-- The TXT values that the broker has in its zone, or is about to write there: written down before the zone is changed, and deleted after the
-- value was removed, so that a crash leaves no value without a row.
create table published_values (
    order_id uuid references orders on delete set null,
    name text not null,
    value text not null,
    -- When the DNS server accepted it, and its own name for the change.
    written_at timestamptz,
    change text,
    -- When it had reached every replica of the DNS server.
    synced_at timestamptz,
    -- Since when it is being removed. Until the row is deleted nobody may write the same value.
    withdrawn_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    unique (order_id, name, value)
);
create index published_values_value on published_values (name, value);
