-- Additive: a program of schema 1 keeps working on it.

-- Who we are in AWS: a tag on everything that is made. Another broker in the same account has another one.
create table deployment (
    single boolean primary key default true check (single),
    id   uuid not null default gen_random_uuid()
);
insert into deployment default values;

-- Written before CreateDistribution is called: from then on a distribution may turn up.
alter table instances add column creating_since timestamptz;

-- How often the sweeper has rung the step since it was last recorded: a step that kills its worker comes ever more
-- seldom.
alter table steps add column swept integer not null default 0;
-- How many attempts in a row ended by a panic or by the time limit.
alter table steps add column crashes integer not null default 0;

-- Chores that one process of a service does now and then (the reconciler).
create table turns (
    name     text primary key,
    taken_at timestamptz not null
);

-- What was found in AWS with our mark and without an owner.
create table orphans (
    kind        text not null,
    aws_id      text not null,
    instance_id text,
    first_seen  timestamptz not null default now(),
    last_seen   timestamptz not null default now(),
    removed_at  timestamptz,
    primary key (kind, aws_id)
);

-- The reconciler asks by it.
create index instances_distribution on instances (distribution_id) where distribution_id is not null;
