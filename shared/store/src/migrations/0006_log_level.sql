-- Additive: a program of schema 1 keeps working on it.

-- What every service logs instead of its RUST_LOG, for a while.
create table log_level (
    single     boolean primary key default true check (single),
    directives text not null,
    until      timestamptz not null
);
