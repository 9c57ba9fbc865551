select r.id, r.url as order_url, r.expires_at, r.account_uri, coalesce(r.expires_at < now(), false) as expired,
coalesce(r.caa_identities, '{}') as caa_identities,
r.key_generation, {authorization_columns},
exists(select 1 from instances i join acme_accounts a on a.tenant = i.tenant where i.id = $4
  and a.account_uri = r.account_uri and a.key_generation <> r.key_generation) as key_changed
from orders r join authorizations z on z.order_id = r.id
where r.operation_id = $1 and r.round = $2 and z.domain = $3
