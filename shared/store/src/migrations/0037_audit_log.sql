-- Additive: a program of schema 1 keeps working on it; what an older cdnctl changes has no entry.

-- What operators did. An entry is written in the transaction of what it tells of, and stays when its instance is forgotten.
create table audit_log (
    id           bigint generated always as identity primary key,
    at           timestamptz not null default clock_timestamp(),
    -- As the person named himself to the program: a claim.
    who          text not null,
    -- The program: 'cdnctl' or 'operator-page'.
    via          text not null,
    -- The role that PostgreSQL verified.
    db_role      text not null default session_user,
    action       text not null,
    instance_id  text,
    operation_id uuid,
    -- What was acted on, if it is neither an instance nor an operation: a domain, a distribution, tenants, a message.
    subject      text,
    details      jsonb not null default '{}'
);
create index audit_log_instance on audit_log (instance_id, id) where instance_id is not null;

create function audit_log_stays() returns trigger language plpgsql as $$
begin
    raise exception 'entries of audit_log are neither changed nor deleted' using errcode = 'restrict_violation';
end $$;
create trigger audit_log_stays before update or delete or truncate on audit_log
    for each statement execute function audit_log_stays();
