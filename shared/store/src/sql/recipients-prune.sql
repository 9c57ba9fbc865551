-- Recipients whom no instance tells anything, and to whom no letter is on its way. One that was asked is known for a week, so that it is not
-- asked again in that time; one that has left is known as long as letters to it are, whose way out must lead somewhere.
delete from recipients where id in (
  select r.id from recipients r
  where coalesce(r.asked_at < now() - interval '7 days', true)
    and not exists (select from instance_recipients l where l.recipient_id = r.id)
    and not exists (select from letters t where t.recipient_id = r.id)
  limit 1000 for update of r skip locked)
