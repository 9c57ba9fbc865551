-- The failures of the last day by kind. An operation has one failed step at most.
select json_build_object('operation', o.kind, 'step', f.kind, 'why', {why}, 'count', count(*))
from operations o
left join lateral (
    select s.kind, reason_of(s) as reason from steps s where s.operation_id = o.id and s.state = 'failed' limit 1
) f on true
where o.state = 'failed' and o.ended_at > now() - interval '1 day'
group by o.kind, f.kind, {why}
order by count(*) desc, o.kind, f.kind, {why}
