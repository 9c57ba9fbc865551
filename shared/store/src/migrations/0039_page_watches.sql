-- Additive: a program of schema 1 keeps working on it, and tells open pages what it writes, too.

-- The instances whose page somebody has open, and until when that is known. PostgreSQL holds a lock of the whole server from a
-- notification to the end of its commit, so a change of any other instance notifies nobody. Unlogged: what a crash takes is written again with
-- the next renewal. Without a reference to `instances`, whose rows are locked while their operations are written.
create unlogged table page_watches (
    instance_id text primary key,
    until       timestamptz not null
);

-- Of a row of the instance itself.
create function notify_page() returns trigger language plpgsql as $$
begin
    if exists (select from page_watches w where w.instance_id = new.instance_id and w.until > now()) then
        perform pg_notify('cdn_broker_page', new.instance_id);
    end if;
    return null;
end
$$;

-- Of a claim: the pages of other instances with the domain tell of it, too. What is proved counts as a record of the operation.
create function notify_page_of_claim() returns trigger language plpgsql as $$
begin
    perform pg_notify('cdn_broker_page', w.instance_id)
    from claims c join page_watches w on w.instance_id = c.instance_id
    where c.domain = new.domain and w.until > now();
    return null;
end
$$;

-- Once for all claims of a request.
create function notify_page_of_new_claims() returns trigger language plpgsql as $$
begin
    if exists (select from page_watches w where w.until > now()) then
        perform pg_notify('cdn_broker_page', w.instance_id)
        from page_watches w
        where w.until > now() and exists (
            select from claims c join changed_rows r on r.domain = c.domain where c.instance_id = w.instance_id);
    end if;
    return null;
end
$$;

-- A trigger waits for the writers of its table, some of which wait for another one of these tables. Nearly all of them lock their instance first,
-- and who writes a link locks it afterwards: it waits for them here, where they don't wait for it. Readers go on.
lock table page_links in share row exclusive mode;
lock table instances in exclusive mode;

create trigger operations_made_for_pages after insert on operations for each row execute function notify_page();
create trigger operations_changed_for_pages after update of version, state on operations for each row
    when (old.version is distinct from new.version or old.state is distinct from new.state) execute function notify_page();
create trigger certificates_changed_for_pages after update of attached_at, renew_at, retired_at, revoked_at on certificates for each row
    when ((old.attached_at, old.renew_at, old.retired_at, old.revoked_at)
        is distinct from (new.attached_at, new.renew_at, new.retired_at, new.revoked_at)) execute function notify_page();
create trigger page_links_changed_for_pages after update of number, revoked_at on page_links for each row
    when (old.number is distinct from new.number or old.revoked_at is distinct from new.revoked_at) execute function notify_page();
create trigger claims_changed_for_pages after update of wins_at, lost_at, proof_gone_at on claims for each row
    when ((old.wins_at, old.lost_at, old.proof_gone_at) is distinct from (new.wins_at, new.lost_at, new.proof_gone_at)) execute function notify_page_of_claim();
create trigger claims_made_for_pages after insert on claims
    referencing new table as changed_rows for each statement execute function notify_page_of_new_claims();
