-- Additive, but the operation "renew" is new: a worker of schema 6 parks its messages, and its successor finds them by sweeping.
-- Nothing is renewed before certificate-issuer is upgraded.

alter table certificates
    -- When it is to be renewed; null until that was decided.
    add column renew_at timestamptz,
    -- When the CA is asked (again) when it would like that (RFC 9773); null: it never was.
    add column renewal_info_due timestamptz;

-- The certificate that the CA was told an order replaces (RFC 9773): its identifier.
alter table orders add column replaces text;

create index certificates_attached on certificates (instance_id, attached_at desc) where attached_at is not null and retired_at is null;

-- The certificate that each distribution was last told to use, of instances that are not removed; one before it may still wait to
-- be taken out of IAM.
create view certificates_in_use as
    select distinct on (c.instance_id) c.*
    from certificates c join instances i on i.id = c.instance_id
    where c.attached_at is not null and c.retired_at is null and i.deleted_at is null
    order by c.instance_id, c.attached_at desc;

-- Renewals of the certificate in use that have failed, and one that has been at it for an hour: mostly a domain that isn't proved.
create view renewals_in_trouble as
    select distinct on (o.instance_id) o.instance_id, o.id as operation_id,
        (select count(*) from operations f where f.instance_id = o.instance_id and f.kind = 'renew' and f.state = 'failed'
            and f.created_at > c.attached_at) as failures,
        o.state, o.ended_at, o.failure, c.not_after
    from certificates_in_use c join operations o on o.instance_id = c.instance_id
    where o.kind = 'renew' and o.created_at > c.attached_at
        and (o.state = 'failed' or (o.state = 'running' and o.created_at < now() - interval '1 hour'))
    order by o.instance_id, o.created_at desc;
