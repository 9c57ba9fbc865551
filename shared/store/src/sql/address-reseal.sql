-- The address of the row $1, if it is still sealed as $2, by the newest key: under the digest $3, as $4. Whether it wants nothing from anybody goes
-- with it. Where the organization has a row with this digest already, the older one stays.
with suppressed as (
  insert into suppressions (digest)
  select $3::bytea where exists (
    select from suppressions s join recipients o on o.address_digest = s.digest where o.id = $1)
  on conflict (digest) do nothing)
update recipients r set address_digest = $3, sealed_address = $4
where r.id = $1 and r.sealed_address = $2 and not exists (
  select from recipients o where o.tenant = r.tenant and o.channel = r.channel and o.address_digest = $3)
