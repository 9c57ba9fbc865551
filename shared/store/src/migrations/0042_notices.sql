-- Additive: a program of schema 1 keeps working on it. What an older one ends or moves is told to nobody.

-- Whom an organization's instances tell something, once for all of them.
create table recipients (
    id             uuid primary key,
    tenant         text not null,
    channel        text not null default 'mail',
    -- By a key of NOTICE_KEYS: to find the address again.
    address_digest bytea not null,
    -- Null when nothing is sent to it any more.
    sealed_address bytea,
    -- For people and logs.
    shortened      text not null,
    -- asked, confirmed, unsubscribed, or refused by its mail server.
    state          text not null default 'asked',
    -- How often it was asked, or is to be: a confirmation is good for its own.
    generation     integer not null default 1,
    -- When it was asked last; null until then.
    asked_at       timestamptz,
    confirmed_at   timestamptz,
    -- Letters that its server has refused for good since one got there.
    refusals       integer not null default 0,
    created_at     timestamptz not null default now(),
    unique (tenant, channel, address_digest)
);
create index recipients_of_address on recipients (address_digest);
create index recipients_asked on recipients (tenant, asked_at);
create index recipients_to_ask on recipients (created_at) where state = 'asked' and asked_at is null;

-- What an instance tells whom.
create table instance_recipients (
    instance_id  text not null references instances on delete cascade,
    recipient_id uuid not null references recipients on delete cascade,
    events       text[] not null,
    -- When the address wanted no more of this instance.
    left_at      timestamptz,
    primary key (instance_id, recipient_id)
);
create index instance_recipients_recipient on instance_recipients (recipient_id);

-- Addresses to which nothing is ever sent again, not even a question.
create table suppressions (
    digest bytea primary key,
    since  timestamptz not null default now()
);

-- What is to be told. Written in the transaction of what it tells of, if anybody wants it.
create table notices (
    id           uuid primary key,
    -- What it is of: the same is told once.
    key          text not null unique,
    instance_id  text not null references instances on delete cascade,
    event        text not null,
    -- notices::Facts
    facts        jsonb not null,
    born_at      timestamptz not null default clock_timestamp(),
    -- When it became part of letters.
    collected_at timestamptz
);
create index notices_new on notices (born_at) where collected_at is null;
create index notices_collected on notices (collected_at) where collected_at is not null;
create index notices_instance on notices (instance_id);

-- A mail: the row is its work, as a step's is.
create table letters (
    id            uuid primary key,
    recipient_id  uuid not null references recipients on delete cascade,
    -- confirmation or digest
    kind          text not null,
    -- held until its recipient confirms, waiting, sent, given-up, or moot
    state         text not null,
    attempt       integer not null default 0,
    due_at        timestamptz not null default now(),
    deadline_at   timestamptz not null,
    rung_at       timestamptz,
    swept         integer not null default 0,
    leased_until  timestamptz,
    -- What is sent, from the first attempt to the end.
    content       text,
    -- What the mail server said last, or why there was no answer.
    answer        text,
    maybe_doubled boolean not null default false,
    created_at    timestamptz not null default now(),
    ended_at      timestamptz
);
create index letters_due on letters (due_at) where state = 'waiting';
create index letters_held on letters (created_at) where state = 'held';
create index letters_of_recipient on letters (recipient_id, created_at);
create index letters_newest on letters (created_at, id);
create index letters_ended on letters (ended_at) where ended_at is not null;

create table letter_notices (
    letter_id uuid not null references letters on delete cascade,
    notice_id uuid not null references notices on delete cascade,
    primary key (letter_id, notice_id)
);
create index letter_notices_notice on letter_notices (notice_id);
