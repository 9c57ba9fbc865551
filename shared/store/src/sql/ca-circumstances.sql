-- What the choice of the order's CA depends on: whose account the records of the instance's domains name.
with proofs as (
    select distinct on (c.domain) s.method, o.created_at, {ordered_at} as directory_url
    from {proofs}
    where c.instance_id = $1 and c.domain = any($2) order by c.domain, o.created_at desc, s.round desc
)
select
    (select p.directory_url from proofs p where p.method = any($4) and p.directory_url is not null
     order by p.created_at desc limit 1) as bound_to,
    coalesce((select bool_and(p.method = any($5)) from proofs p), true) as told_apart,
    coalesce((select c.not_after - now() < (c.not_after - c.not_before) / 10
     from certificates_in_use c where c.instance_id = $1), false) as urgent,
    array(select distinct r.directory_url from orders r
     where r.operation_id = $3 and r.caa_forbids and r.directory_url is not null) as forbidden
