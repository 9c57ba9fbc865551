insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, rung_at, ended_at)
select n.id, $1, n.kind, n.service, n.subject, n.round, n.state, greatest(now(), coalesce(n.held_until, now())),
       case when n.kind = 'verify-challenge'
            then (select least(now() + n.deadline_ms * interval '1 millisecond', o.deadline_at,
                case when o.kind = 'update' and not exists (select from claims c where c.instance_id = o.instance_id
                    and c.domain = n.subject and (c.seen_at is not null or c.proved))
                  then o.created_at + $10 * interval '1 millisecond' end)
              from operations o where o.id = $1)
            else now() + n.deadline_ms * interval '1 millisecond' end,
       now(), case when n.state = 'done' then now() end
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::timestamptz[], $9::float8[])
    as n(id, kind, service, subject, round, state, held_until, deadline_ms)
on conflict (operation_id, kind, subject, round) do nothing
returning id, (extract(epoch from due_at - now()) * 1000)::bigint
