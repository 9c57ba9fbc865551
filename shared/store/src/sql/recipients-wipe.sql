-- Addresses that nothing can be sent to: they want nothing, have not answered within a week, or no instance tells them anything and no letter is on its way.
update recipients set sealed_address = null where id in (
  select r.id from recipients r
  where r.sealed_address is not null and (
    (r.state = 'asked' and r.asked_at < now() - interval '7 days')
    or exists (select from suppressions s where s.digest = r.address_digest)
    or (not exists (select from instance_recipients l where l.recipient_id = r.id and l.left_at is null)
      and not exists (select from letters t where t.recipient_id = r.id and t.state in ('held', 'waiting'))))
  for update of r skip locked)
