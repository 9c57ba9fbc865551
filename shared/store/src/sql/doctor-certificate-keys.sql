select distinct on (1) substring(sealed_key from 1 for 1 + (get_byte(sealed_key, 0) & 127)), instance_id, order_id::text,
  false, sealed_key
from certificates where length(sealed_key) > 0 order by 1, created_at desc
