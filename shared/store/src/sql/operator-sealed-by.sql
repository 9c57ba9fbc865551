select substring(sealed_key from 2 for get_byte(sealed_key, 0) & 127) as key,
count(*) filter (where what = 'account') as accounts, count(*) filter (where what <> 'account') as certificates
from (select 'account' as what, sealed_key from acme_accounts
  union all select 'account', next_sealed_key from acme_accounts
  union all select 'certificate', sealed_key from certificates
  union all select 'order', r.sealed_key from orders r
    where not exists (select from certificates c where c.order_id = r.id)) all_of_it
where length(sealed_key) > 0 group by 1 order by 1
