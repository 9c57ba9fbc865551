-- Additive: a program of schema 1 keeps working on it, and writes nothing of this.

-- What an update asks to change, in words: pipeline::page::Change. Null for everything else, and for updates of older programs.
alter table operations add column changes jsonb;

-- What a step saw in an attempt and had not seen in the one before (pipeline::reason::stored). Goes with its step.
create table step_news (
    step_id uuid not null references steps on delete cascade,
    attempt integer not null,
    at      timestamptz not null default now(),
    reason  jsonb not null,
    primary key (step_id, attempt)
);

-- Who decided when a certificate is renewed: ca, share, operator. Null if that was an older program.
alter table certificates add column renew_by text;

-- How long the steps of a kind took in the last operations of a kind that succeeded; counted by one broker-api for all.
create table step_durations (
    operation   text not null,
    step        text not null,
    counted_at  timestamptz not null,
    successes   integer not null,
    p50_seconds double precision not null,
    p90_seconds double precision not null,
    primary key (operation, step)
);
