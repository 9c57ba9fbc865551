-- The notices of a letter that are still true as far as is seen here, in the order of their birth. How an operation has ended is always news; of
-- an instance that is removed or being removed nothing else is; and a domain that the instance has again has not left.
-- The domains are those that the instance has; of what has failed or waits, those that were asked for.
select n.instance_id, n.event, n.facts, n.born_at,
  (case when n.event in ('failed', 'todo') then coalesce(newest.target->'request', i.request) else i.request end)->'parameters'->'domains' as domains, i.distribution_domain,
  (select max(c.not_after) from certificates_in_use c where c.instance_id = i.id) as certificate_not_after
from letter_notices m join notices n on n.id = m.notice_id join instances i on i.id = n.instance_id
left join lateral (select o.kind, o.target from operations o where o.instance_id = i.id and o.kind <> 'renew'
  order by o.created_at desc limit 1) newest on true
where m.letter_id = $1
  and (n.event in ('done', 'failed', 'replaced') or (i.deleted_at is null and newest.kind is distinct from 'deprovision'))
  and (n.facts->>'kind' <> 'left' or not exists (
    select from claims c where c.instance_id = i.id and c.domain = n.facts->>'domain' and c.proved))
order by n.born_at, n.id
