-- Additive: a program of schema 1 keeps working on it, and knows nothing of this.

-- The check from outside that was last asked for on an instance's page. Who does it takes it, and writes what was seen.
create table outside_checks (
    instance_id text primary key references instances on delete cascade,
    asked_at    timestamptz not null,
    -- A path where the app answers with the headers of the request, if there is one.
    echo        text,
    -- How often it was taken, and when last; nobody has taken it: null.
    attempts    integer not null default 0,
    taken_at    timestamptz,
    -- Null: it is still to be done.
    done_at     timestamptz,
    -- pipeline::outside::Checked; until this check is done, of the one before it.
    result      jsonb
);
create index outside_checks_waiting on outside_checks (asked_at) where done_at is null;

create trigger outside_checks_made_for_pages after insert on outside_checks for each row execute function notify_page();
create trigger outside_checks_changed_for_pages after update of asked_at, taken_at, done_at on outside_checks for each row
    when ((old.asked_at, old.taken_at, old.done_at) is distinct from (new.asked_at, new.taken_at, new.done_at)) execute function notify_page();
