with unproved as (select instance_id, domain from claim_states c where {unproved})
select (select count(*) from unproved where instance_id <> $2) as domains_of_others,
  (select count(*) from unproved where instance_id = $2) as own_domains,
  (select count(distinct u.instance_id) from unproved u where u.instance_id <> $2 and not exists
    (select from claims p where p.instance_id = u.instance_id and p.proved)) as instances_of_others,
  exists (select from instances where id = $2) as exists,
  (select count(*) from unnest($3::text[]) d where not exists
    (select from claims p where p.instance_id = $2 and p.domain = d and p.proved)) as wanted
