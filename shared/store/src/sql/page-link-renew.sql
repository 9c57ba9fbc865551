-- The number of the instance's link, which is made if there is none, and lasts for $2 milliseconds from now, or a day less. No row: the instance
-- is unknown or removed, or its link was revoked.
with wanted as (
  select now() + $2 * interval '1 millisecond' as until
), link as (
  select l.number, l.revoked_at is not null as revoked, l.expires_at > w.until - interval '1 day' as lasts
  from page_links l, wanted w
  where l.instance_id = $1
), renewed as (
  insert into page_links (instance_id, expires_at)
  select i.id, w.until
  from instances i, wanted w,
    -- Does not wait for the disk: what is lost in a crash of PostgreSQL is written again by the platform's next request.
    (select set_config('synchronous_commit', 'off', true)) as at_once
  where i.id = $1 and i.deleted_at is null and not exists (select from link where revoked or lasts)
  on conflict (instance_id) do update set expires_at = greatest(page_links.expires_at, excluded.expires_at)
    where page_links.revoked_at is null
  returning number
)
select number from renewed
union all
select l.number from link l join instances i on i.id = $1 and i.deleted_at is null
where l.lasts and not l.revoked
