-- Additive: a program of schema 1 keeps working on it. What the operator's page lists and finds, it reads by an index, a page at a time, however
-- many instances are stored. Nothing that is written often is in any of them.

-- Tables in the order in which operations end: a writer that waits for this must not be what it waits for.
create index operations_running on operations (created_at, instance_id) where state = 'running';
create index operations_failed on operations (ended_at, instance_id) where state = 'failed';

-- In place of instances_tenant: an organization's instances in the order in which they were made.
create index instances_of_tenant on instances (tenant, created_at, id);
drop index instances_tenant;
-- By the beginning of the id, whatever collation the database has.
create index instances_beginning on instances (id collate "C");

-- A name and everything below it stand together when names are read from their end.
create index claims_from_the_end on claims ((reverse(domain) collate "C"), instance_id);

-- Certificates that are served, by when they end.
create index certificates_ending on certificates (not_after, instance_id) where attached_at is not null and retired_at is null;
