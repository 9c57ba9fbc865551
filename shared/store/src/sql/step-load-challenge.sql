-- The step as `step-load` reads it, with what is to be proved for its domain.
select t.*, c.* from (
{step_load}
) t left join lateral (
  select {order_columns}, coalesce(r.caa_identities, '{}') as caa_identities, {authorization_columns},
    -- An account may be that of all tenants.
    exists(select from acme_accounts a where a.tenant in (t.tenant, '{everybody}')
      and a.account_uri = r.account_uri and a.key_generation <> r.key_generation) as key_changed,
    exists(select from claims h where h.domain = t.subject and h.proved and h.instance_id <> t.instance_id) as held,
    -- Null once the proof was seen: if it is gone, that has to be recorded, which takes a whole look. Words are of a program that knew no facts.
    (select s.reason from steps s where s.id = t.id and s.first_seen_at is null and s.waiting_for is null) as before
  from orders r join authorizations z on z.order_id = r.id
  where r.operation_id = t.operation_id and r.round = t.round and z.domain = t.subject
  -- There is one at most: this has it looked for by the step's values, whatever PostgreSQL believes of the tables.
  limit 1
) c on true
