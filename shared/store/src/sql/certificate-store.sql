with stored as (
  insert into certificates (id, instance_id, order_id, names, chain_pem, sealed_key, not_before, not_after)
  select $1, $2, r.id, $4, $5, r.sealed_key, $6, $7 from orders r where r.id = $3
  on conflict (order_id) do nothing returning *)
{count_names}
