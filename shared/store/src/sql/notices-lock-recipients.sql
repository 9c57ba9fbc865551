-- Those who are told these notices, locked: what they confirm or leave meanwhile is before the letters or after them.
select r.id from recipients r
where r.state in ('asked', 'confirmed') and exists (
  select from instance_recipients l join notices n on n.instance_id = l.instance_id
  where l.recipient_id = r.id and n.id = any($1) and n.event = any(l.events) and l.left_at is null)
order by r.id for update
