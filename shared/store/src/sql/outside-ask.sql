-- Asks for a check from outside, and wakes those who do them. No row: there is nothing to look at, or one was asked for less than $3 milliseconds
-- ago.
with asked as (
    insert into outside_checks (instance_id, asked_at, echo)
    select i.id, now(), $2::text from instances i
    where i.id = $1 and i.deleted_at is null and i.distribution_domain is not null
    on conflict (instance_id) do update
        set asked_at = excluded.asked_at, echo = excluded.echo, attempts = 0, taken_at = null, done_at = null
        where outside_checks.asked_at <= now() - $3::float8 * interval '1 millisecond'
    returning instance_id
)
select a.instance_id, pg_notify('cdn_broker_outside', '') from asked a
