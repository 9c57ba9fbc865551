select distinct on (1) substring(sealed_key from 1 for 1 + (get_byte(sealed_key, 0) & 127)), tenant, directory_url,
  is_next, sealed_key
from (select tenant, directory_url, false as is_next, sealed_key, created_at from acme_accounts
  union all select tenant, directory_url, true, next_sealed_key, next_key_at from acme_accounts) a
where length(sealed_key) > 0 order by 1, created_at desc
