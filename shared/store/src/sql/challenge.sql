-- An account may be that of all tenants.
select {order_columns}, coalesce(r.caa_identities, '{}') as caa_identities, {authorization_columns},
exists(select 1 from instances i join acme_accounts a on a.tenant in (i.tenant, '{everybody}') where i.id = $4
  and a.account_uri = r.account_uri and a.key_generation <> r.key_generation) as key_changed,
exists(select from claims h where h.domain = $3 and h.proved and h.instance_id <> $4) as held
from orders r join authorizations z on z.order_id = r.id
where r.operation_id = $1 and r.round = $2 and z.domain = $3
