-- Certificates in use that end between so many days from now, the first first.
select c.not_after as key, c.instance_id, null::text as note
from certificates c
where c.attached_at is not null and c.retired_at is null
and c.not_after >= coalesce(now() + $4::integer * interval '1 day', '-infinity')
and c.not_after < coalesce(now() + $5::integer * interval '1 day', 'infinity')
and (c.not_after, c.instance_id) > (coalesce($1::timestamptz, '-infinity'), $2::text)
-- One that was replaced may still wait to be taken out of its store. Of `c.id = (select u.id …)` PostgreSQL would expect one row of all, and not stop
-- at a page.
and (select u.id = c.id from certificates_in_use u where u.instance_id = c.instance_id)
order by c.not_after, c.instance_id
limit $3
