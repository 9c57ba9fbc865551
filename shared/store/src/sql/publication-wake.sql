-- One domain now, the others later; those that will be looked at before that anyway have a wake-up.
update steps s set rung_at = now(), due_at = now() + woken.after
from (
  select s.id, case row_number() over (order by {waits_for_value} desc, s.subject)
    when 1 then interval '0' else $3 * interval '1 millisecond' end as after
  from steps s where s.operation_id = $1 and s.round = $2
    and s.kind = 'verify-challenge' and s.state is not distinct from 'waiting' and s.reason @> {unpublished}) woken
where s.id = woken.id and s.due_at > now() + woken.after
returning s.id, s.attempt, (extract(epoch from s.due_at - now()) * 1000)::bigint
