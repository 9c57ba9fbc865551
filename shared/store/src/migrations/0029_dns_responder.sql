-- Additive: a program of schema 1 keeps working on it.

-- dns-responder reads the zone again when what it serves has changed. Once for each statement, and only if a row that is served came or
-- went: PostgreSQL sends equal notifications of a transaction once. Notifications are delivered after the commit.
create function notify_zone() returns trigger language plpgsql as $$
begin
    if exists (select from changed_rows) then
        perform pg_notify('cdn_broker_zone', '');
    end if;
    return null;
end
$$;

create function notify_zone_of_update() returns trigger language plpgsql as $$
begin
    -- That a value was written elsewhere changes nothing that is served.
    if exists (select name, value, withdrawn_at from changed_rows except select name, value, withdrawn_at from old_rows) then
        perform pg_notify('cdn_broker_zone', '');
    end if;
    return null;
end
$$;

create function notify_zone_of_target() returns trigger language plpgsql as $$
begin
    -- Another label was inherited.
    if exists (select zone, label from changed_rows except select zone, label from old_rows) then
        perform pg_notify('cdn_broker_zone', '');
    end if;
    return null;
end
$$;

create trigger delegation_targets_changed after update on delegation_targets
    referencing new table as changed_rows old table as old_rows for each statement execute function notify_zone_of_target();
create trigger delegation_targets_made after insert on delegation_targets
    referencing new table as changed_rows for each statement execute function notify_zone();
create trigger published_values_made after insert on published_values
    referencing new table as changed_rows for each statement execute function notify_zone();
create trigger published_values_changed after update on published_values
    referencing new table as changed_rows old table as old_rows for each statement execute function notify_zone_of_update();
create trigger published_values_removed after delete on published_values
    referencing old table as changed_rows for each statement execute function notify_zone();
