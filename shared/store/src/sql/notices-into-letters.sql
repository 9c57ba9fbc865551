-- One letter for each of the recipients $2, which are locked, with those of the notices $1 that it is told. Of one that has not confirmed yet
-- the letter is held; what comes until then goes into the same. What nobody has collected for 7 days (notifier was not running) is no news any more.
with told as (
  select n.id as notice_id, r.id as recipient_id, r.state
  from notices n join instance_recipients l on l.instance_id = n.instance_id and n.event = any(l.events) and l.left_at is null
  join recipients r on r.id = l.recipient_id
  where n.id = any($1) and r.id = any($2) and r.state in ('asked', 'confirmed')
    and n.born_at > now() - interval '7 days'),
held as (
  select h.id, h.recipient_id from letters h
  where h.recipient_id = any($2) and h.kind = 'digest' and h.state = 'held'),
made as (
  insert into letters (id, recipient_id, kind, state, deadline_at)
  select gen_random_uuid(), t.recipient_id, 'digest', case t.state when 'confirmed' then 'waiting' else 'held' end, now() + interval '4 days'
  from (select distinct recipient_id, state from told) t
  where not exists (select from held h where h.recipient_id = t.recipient_id)
  returning id, recipient_id)
insert into letter_notices (letter_id, notice_id)
select l.id, t.notice_id from told t join (select * from made union all select * from held) l on l.recipient_id = t.recipient_id
