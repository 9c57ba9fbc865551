-- Additive: a program of schema 1 keeps working on it. A program of schema 27 replaces an order that was placed at a CA other than its own:
-- set ACME_OTHER_CAS once every process of certificate-issuer is upgraded.

-- The directory of the CA; none: that of the account, as a program of schema 27 leaves it.
alter table orders add column directory_url text;
-- Another CA comes before this one in the plan.
alter table orders add column fallback boolean not null default false;
-- The verifier saw CAA records that forbid this CA, which was asked in place of another one, to issue.
alter table orders add column caa_forbids boolean not null default false;

create index acme_accounts_uri on acme_accounts (account_uri);

-- None: not known, and counted at every CA.
alter table counted_names add column directory_url text;

-- CAs that take no orders now. The row is deleted when the CA takes one.
create table ca_troubles (
    directory_url text primary key,
    since         timestamptz not null default clock_timestamp(),
    last_at       timestamptz not null default clock_timestamp()
);
