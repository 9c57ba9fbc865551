select s.id, s.attempt, s.crashes, s.slow_looks, clock_timestamp() as now, s.operation_id, o.kind as operation_kind,
  s.kind, s.subject, s.round,
  (greatest(0, extract(epoch from s.due_at - clock_timestamp())) * 1000)::bigint as early_ms,
  (greatest(0, extract(epoch from clock_timestamp() - s.due_at)) * 1000)::bigint as late_ms,
  (greatest(0, extract(epoch from clock_timestamp() - s.created_at)) * 1000)::bigint as age_ms,
  -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
  -- Those that rest ask nobody: the longest delay between two looks is 5 minutes.
  (select count(*) filter (where w.state = 'waiting' and (w.id = s.id or w.due_at < now() + interval '6 minutes')) from steps w
   where w.operation_id = s.operation_id and w.kind = s.kind and w.round = s.round) as waiting,
  {instance_columns}
from steps s join operations o on o.id = s.operation_id join instances i on i.id = o.instance_id
where s.id = $1 and s.attempt = $2 and s.state is not distinct from 'waiting' and o.state is not distinct from 'running'
