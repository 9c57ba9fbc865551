-- The row of an address that an instance wants to tell something; a concurrent request may have made it. It is asked if it never was, and
-- again, a week after it was asked last, if it has left, was refused, or has not answered.
insert into recipients as r (id, tenant, address_digest, sealed_address, shortened) values ($1, $2, $3, $4, $5)
on conflict (tenant, channel, address_digest) do update set
  sealed_address = coalesce(r.sealed_address, excluded.sealed_address),
  state = case when r.state <> 'confirmed' and r.asked_at < now() - interval '7 days' then 'asked' else r.state end,
  generation = r.generation + (r.state <> 'confirmed' and coalesce(r.asked_at < now() - interval '7 days', false))::integer,
  refusals = case when r.state <> 'confirmed' and r.asked_at < now() - interval '7 days' then 0 else r.refusals end,
  asked_at = case when r.state <> 'confirmed' and r.asked_at < now() - interval '7 days' then null else r.asked_at end
returning id
