-- Additive: a program of schema 1 keeps working on it. What the operator's page lists and finds, it reads by an index, a page at a time, however
-- many instances are stored. Nothing that is written often is in any of them.

-- A creation writes instances and claims before operations, an end afterwards: whatever order this had, it could wait for a writer that waits for it.
-- Both lock their instance first, so it waits for them here, where it holds nothing. Readers go on.
lock table instances in exclusive mode;

create index operations_running on operations (created_at, instance_id) where state = 'running';
create index operations_failed on operations (ended_at, instance_id) where state = 'failed';
-- The last operations of a kind that succeeded: how long their steps took.
create index operations_succeeded on operations (kind, ended_at) where state = 'succeeded';

-- An organization's instances in the order in which they were made.
create index instances_of_tenant on instances (tenant, created_at, id);
-- By the beginning of the id, whatever collation the database has.
create index instances_beginning on instances (id collate "C");

-- A name and everything below it stand together when names are read from their end.
create index claims_from_the_end on claims ((reverse(domain) collate "C"), instance_id);

-- Certificates that are served, by when they end.
create index certificates_ending on certificates (not_after, instance_id) where attached_at is not null and retired_at is null;

-- instances_of_tenant has taken its place. Last, since readers wait for this, too.
drop index instances_tenant;
