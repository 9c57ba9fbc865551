-- Additive. What a CA limits is counted without reading whole tables. A program of an older schema writes no counted_names: until all of
-- certificate-issuer is upgraded, what it gets issued isn't counted, and the CA says by itself when it is too much.

-- Each name of a certificate that counts (its order replaced none), and each domain above it but the top-level one.
create table counted_names (
    certificate_id uuid not null references certificates on delete cascade,
    name           text not null,
    -- the certificate's
    created_at     timestamptz not null,
    primary key (certificate_id, name)
);
insert into counted_names (certificate_id, name, created_at)
    select distinct c.id, array_to_string(labels[i:], '.'), c.created_at
    from certificates c join orders r on r.id = c.order_id and r.replaces is null,
        unnest(c.names) as name, string_to_array(name, '.') as labels, generate_series(1, cardinality(labels) - 1) as i;
create index counted_names_newest on counted_names (name, created_at);

create index orders_counted on orders (account_uri, created_at) where replaces is null;
create index acme_accounts_counted on acme_accounts (directory_url, created_at) where account_uri is not null;
