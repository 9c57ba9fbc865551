-- One object per row, a summary of each instance: its newest operation and the step that it waits for.
select json_build_object(
    'id', i.id,
    'tenant', i.tenant,
    'domains', d.domains,
    'distribution_id', i.distribution_id,
    'created_at', i.created_at,
    'deleted_at', i.deleted_at,
    'operation', o.id,
    'kind', o.kind,
    'state', o.state,
    'operation_created_at', o.created_at,
    'operation_ended_at', o.ended_at,
    'failure', o.failure,
    'cause', o.cause,
    'waiting', coalesce(w.waiting, 0),
    'waiting_step', w.kind,
    'waiting_subject', w.subject,
    'waiting_for', w.waiting_for,
    'due_at', w.due_at,
    -- A join with the view would read all of it, and a lateral one becomes that.
    'certificate_not_after', (select u.not_after from certificates_in_use u where u.instance_id = i.id),
    'read_at', now())
from instances i
join lateral (
    select array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d order by d collate "C") as domains
) d on true
join lateral (
    select * from operations o where o.instance_id = i.id order by o.created_at desc limit 1
) o on true
left join lateral (
    -- The step that is late, else the one that tells why the operation waits.
    select s.kind, s.subject, reason_of(s) - 'memory' as waiting_for, s.due_at, count(*) over () as waiting
    from steps s where s.operation_id = o.id and s.state is not distinct from 'waiting'
    order by reason_of(s) is null, s.due_at limit 1
) w on true
where {which}
order by i.created_at, i.id
