-- Additive: what IAM was last seen to hold, whoever's it is; one row, written by cert-installer's chore and told by broker-api's metrics.
create table iam_usage (
    only_row            boolean primary key default true check (only_row),
    server_certificates integer not null,
    quota               integer not null,
    read_at             timestamptz not null
);
