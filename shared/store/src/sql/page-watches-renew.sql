-- Somebody has the pages of these instances open for another minute. Of each: what its page depends on, as a number that changes with it. It also
-- changes with looks that saw nothing new, and with what nobody notified because it was being written when the page was opened.
with renewed as (
    insert into page_watches (instance_id, until)
    -- Always in the same order: other processes renew the same ones.
    select a.id, now() + interval '1 minute' from unnest($1::text[]) a (id) order by a.id
    on conflict (instance_id) do update set until = excluded.until
    returning instance_id
)
select r.instance_id, hashtextextended(row(
    (select row(i.deleted_at)::text from instances i where i.id = r.instance_id),
    (select row(l.number, l.revoked_at, l.expires_at > now())::text from page_links l where l.instance_id = r.instance_id),
    (
        -- That nobody takes it is told after a while.
        select row(c.asked_at, c.attempts, c.taken_at, c.done_at,
            c.done_at is null and c.asked_at < now() - interval '30 seconds')::text
        from outside_checks c where c.instance_id = r.instance_id),
    (select row(c.id, c.renew_at, c.revoked_at)::text from certificates_in_use c where c.instance_id = r.instance_id),
    (
        select string_agg(row(c.domain, c.proved, c.held_until, c.wins_at, c.lost_at, c.proof_gone_at, c.proof_checked_at)::text, ''
            order by c.domain)
        from claims c where c.instance_id = r.instance_id),
    (
        select string_agg(row(o.id, o.version, o.state, (
            -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
            select max(s.checked_at) from steps s
            where s.operation_id = o.id and s.state is not distinct from 'waiting'))::text, '' order by o.id)
        from (
            select p.id, p.version, p.state from operations p
            where p.instance_id = r.instance_id order by p.created_at desc limit 2) o)
    )::text, 0) as version
from renewed r
