select coalesce((o.target->>'new_certificate')::boolean, false),
  i.function_name is not null
    or coalesce(i.settings->>'redirect_to', o.target->'settings'->>'redirect_to') is not null,
  exists (select from offers f where f.taken_by = i.id),
  exists (select from orders r join authorizations z on z.order_id = r.id
    where r.operation_id = o.id and r.round = $2 and z.challenges #> '{offered,delegated-dns-01}' is not null)
from operations o join instances i on i.id = o.instance_id where o.id = $1
