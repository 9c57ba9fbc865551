-- Additive: a program of schema 1 keeps working on it, and counts the certificates for itself.

-- The last count of the certificates in use, for the gauges of every broker-api.
create table certificate_count (
    only_row    boolean primary key default true check (only_row),
    counted_at  timestamptz not null,
    -- How many, by the days that they have left.
    days_left   jsonb not null,
    soonest_end timestamptz,
    late        bigint not null
);
