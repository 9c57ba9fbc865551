-- One word for one thing: the names here are the names in code, queues and metrics.

create table instances (
    id                  text primary key,
    tenant              text not null,
    service_id          text not null,
    plan_id             text not null,
    settings            jsonb not null,
    -- what was asked for, normalised: the same PUT again compares equal (OSBAPI: 200/202, else 409)
    request             jsonb not null,
    distribution_id     text,
    distribution_domain text,
    created_at          timestamptz not null default now(),
    deleted_at          timestamptz
);

create table operations (
    id          uuid primary key,
    instance_id text not null references instances,
    kind        text not null,
    state       text not null default 'running',
    -- for the user
    failure     text,
    -- for the operator
    cause       text,
    created_at  timestamptz not null default clock_timestamp(),
    -- orders may be replaced, but not for ever: no step of a later round may outlast this
    deadline_at timestamptz not null,
    ended_at    timestamptz
);
create unique index operations_one_running on operations (instance_id) where state = 'running';
create index operations_newest on operations (instance_id, created_at desc);

-- A domain belongs to whoever proved it; asking for it gives no right to it.
create table claims (
    instance_id text not null references instances,
    domain      text not null,
    tenant      text not null,
    proved      boolean not null default false,
    rejections  integer not null default 0,
    ca_said     text,
    held_until  timestamptz,
    primary key (instance_id, domain)
);
create unique index claims_proved on claims (domain) where proved;
create unique index claims_once_per_tenant on claims (tenant, domain);

-- Work list, transactional outbox, and what last_operation reads.
create table steps (
    id            uuid primary key,
    operation_id  uuid not null references operations,
    kind          text not null,
    service       text not null,
    subject       text not null default '',
    round         integer not null,
    state         text not null,
    verdict       text,
    method        text,
    attempt       integer not null default 0,
    due_at        timestamptz not null,
    deadline_at   timestamptz not null,
    waiting_for   text,
    checked_at    timestamptz,
    first_seen_at timestamptz,
    rung_at       timestamptz,
    created_at    timestamptz not null default now(),
    ended_at      timestamptz,
    unique (operation_id, kind, subject, round)
);
create index steps_due on steps (service, due_at) where state = 'waiting';

create table acme_accounts (
    tenant        text not null,
    directory_url text not null,
    sealed_key    bytea not null,
    account_uri   text,
    created_at    timestamptz not null default now(),
    primary key (tenant, directory_url)
);

create table orders (
    id            uuid primary key,
    operation_id  uuid not null references operations,
    round         integer not null,
    url           text,
    expires_at    timestamptz,
    -- the account that placed it: what a dns-persist-01 record has to name
    account_uri   text,
    -- the certificate's private key, made before the CSR is sent, so that a crash can't orphan an issued certificate
    sealed_key    bytea,
    created_at    timestamptz not null default now(),
    unique (operation_id, round)
);

create table authorizations (
    order_id                 uuid not null references orders on delete cascade,
    domain                   text not null,
    url                      text not null,
    valid                    boolean not null,
    -- dns-persist-01 is offered when this is not null
    issuer_domains           text[],
    dns01_value              text,
    http01_token             text,
    http01_key_authorization text,
    primary key (order_id, domain)
);
create index authorizations_http01 on authorizations (http01_token) where http01_token is not null;

create table certificates (
    id          uuid primary key,
    instance_id text not null references instances,
    order_id    uuid not null unique references orders,
    names       text[] not null,
    chain_pem   text not null,
    -- null once the certificate is retired: keys are wiped
    sealed_key  bytea,
    not_before  timestamptz not null,
    not_after   timestamptz not null,
    iam_name    text,
    iam_id      text,
    attached_at timestamptz,
    retired_at  timestamptz,
    created_at  timestamptz not null default now()
);
create index certificates_of_instance on certificates (instance_id);
