-- Where a certificate is, as the store that has it wrote it down (certificate_store::Reference): which store, the name there, and once it
-- was put what CloudFront is told. Additive: programs from before this know name and id in IAM only, so while both run a trigger writes
-- what the one wrote where the other reads it. iam_name, iam_id, the trigger and iam_usage go when no such program is left.
alter table certificates add column reference jsonb;

create function reference_in_iam(name text, id text) returns jsonb language sql immutable as $$
    select jsonb_strip_nulls(jsonb_build_object('store', 'iam', 'name', name, 'in_cloudfront',
        case when id is not null then jsonb_build_object('iam_certificate_id', id) end))
    where name is not null
$$;
update certificates set reference = reference_in_iam(iam_name, iam_id) where iam_name is not null;

create function certificates_reference() returns trigger language plpgsql as $$
begin
    if new.reference is distinct from old.reference then
        new.iam_name := case new.reference->>'store' when 'iam' then new.reference->>'name' end;
        new.iam_id := new.reference->'in_cloudfront'->>'iam_certificate_id';
    elsif (new.iam_name, new.iam_id) is distinct from (old.iam_name, old.iam_id) then
        new.reference := reference_in_iam(new.iam_name, new.iam_id);
    end if;
    return new;
end $$;
create trigger certificates_reference before update of reference, iam_name, iam_id on certificates
    for each row execute function certificates_reference();

-- With the new column.
create or replace view certificates_in_use as
    select distinct on (c.instance_id) c.*
    from certificates c join instances i on i.id = c.instance_id
    where c.attached_at is not null and c.retired_at is null and i.deleted_at is null
    order by c.instance_id, c.attached_at desc;

-- How full each store was last seen, whoever's it is; written by cert-installer's chore, told by broker-api's metrics.
create table certificate_store_usage (
    store   text primary key,
    held    integer not null,
    quota   integer not null,
    read_at timestamptz not null
);
insert into certificate_store_usage select 'iam', server_certificates, quota, read_at from iam_usage;
