-- Additive, but a broker-api of an older schema gives a name that came back the tenant of before: upgrade all of them before relying on it.

-- Which generation a tenant is in that is a name (a namespace of Kubernetes), and so can be somebody else's the next time.
-- A name without a row is in generation 0.
create table tenants (
    name       text primary key,
    generation integer not null default 0,
    since      timestamptz not null default now()
);

create index instances_tenant on instances (tenant);
