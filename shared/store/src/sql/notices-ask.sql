-- Questions to those who were not asked yet, the oldest first: at most $1 a day from one tenant, and $2 to one address, whoever asks.
with candidates as materialized (
  select r.id,
    row_number() over (partition by r.tenant order by r.created_at, r.id)
      + (select count(*) from recipients t where t.tenant = r.tenant and t.asked_at > now() - interval '1 day') as of_tenant,
    row_number() over (partition by r.address_digest order by r.created_at, r.id)
      + (select count(*) from recipients a where a.address_digest = r.address_digest and a.asked_at > now() - interval '1 day') as of_address
  from recipients r
  where r.state = 'asked' and r.asked_at is null and r.sealed_address is not null
    and exists (select from instance_recipients l where l.recipient_id = r.id and l.left_at is null)
    and not exists (select from suppressions s where s.digest = r.address_digest)),
asked as (
  update recipients r set asked_at = now()
  where r.id in (select c.id from candidates c where c.of_tenant <= $1 and c.of_address <= $2) and r.asked_at is null
  returning r.id)
insert into letters (id, recipient_id, kind, state, deadline_at)
select gen_random_uuid(), id, 'confirmation', 'waiting', now() + interval '4 days' from asked
