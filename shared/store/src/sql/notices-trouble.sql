-- Certificates whose renewal does not get done, of instances that tell somebody of it, that nobody removes, and that have a domain left;
-- with what of them was told already.
select t.instance_id, c.id as certificate, c.renew_at, c.not_after, now() as read_at,
    array(select n.key from notices n where n.instance_id = t.instance_id and n.event = 'trouble') as told
from renewals_in_trouble t
join certificates c on c.id = (select u.id from certificates_in_use u where u.instance_id = t.instance_id)
where c.renew_at is not null
and exists (select from instance_recipients l where l.instance_id = t.instance_id and 'trouble' = any(l.events) and l.left_at is null)
and exists (select from claims k where k.instance_id = t.instance_id and k.lost_at is null)
and not exists (select from operations o where o.instance_id = t.instance_id and o.kind = 'deprovision')
