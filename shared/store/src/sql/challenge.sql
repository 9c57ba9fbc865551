-- An account may be that of all tenants.
select {order_columns}, coalesce(r.caa_identities, '{}') as caa_identities, {authorization_columns},
exists(select 1 from instances i join acme_accounts a on a.tenant in (i.tenant, '{everybody}') where i.id = $4
  and a.account_uri = r.account_uri and a.key_generation <> r.key_generation) as key_changed,
exists(select from claims h where h.domain = $3 and h.proved and h.instance_id <> $4) as held,
-- Null once the proof was seen: if it is gone, that has to be recorded, which takes a whole look.
(select reason_of(s) from steps s where s.id = $5 and s.first_seen_at is null) as before
from orders r join authorizations z on z.order_id = r.id
where r.operation_id = $1 and r.round = $2 and z.domain = $3
