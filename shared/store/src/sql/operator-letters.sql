-- The letter $1, or else those with news of the instance $2, if it is given: a question has news of all that want to tell something.
select l.id, l.kind, l.state, r.tenant, l.recipient_id, r.shortened, r.state as recipient_state, l.attempt, l.created_at,
  case when l.state = 'waiting' then l.due_at end as due_at, l.ended_at, l.answer, l.maybe_doubled
from letters l join recipients r on r.id = l.recipient_id
where ($1::uuid is null or l.id = $1)
  and ($2::text is null
    or exists (select from letter_notices m join notices n on n.id = m.notice_id where m.letter_id = l.id and n.instance_id = $2)
    or (l.kind = 'confirmation'
      and exists (select from instance_recipients w where w.recipient_id = l.recipient_id and w.instance_id = $2)))
  and (not $3::boolean or l.state in ('held', 'waiting', 'given-up'))
order by l.created_at desc, l.id desc limit $4
