-- Additive: a program of schema 1 keeps working on it; what it uploads has no time, and is waited for until the step's deadline.

-- When IAM took the certificate: CloudFront may not see it for some minutes.
alter table certificates add column uploaded_at timestamptz;

-- With the new column.
create or replace view certificates_in_use as
    select distinct on (c.instance_id) c.*
    from certificates c join instances i on i.id = c.instance_id
    where c.attached_at is not null and c.retired_at is null and i.deleted_at is null
    order by c.instance_id, c.attached_at desc;
