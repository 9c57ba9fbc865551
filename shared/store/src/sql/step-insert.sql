insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, rung_at, ended_at)
values ($1, $2, $3, $4, $5, $6, $7, greatest(now(), coalesce($8, now())),
        case when $3 = 'verify-challenge'
             then (select least(now() + $9 * interval '1 millisecond', o.deadline_at,
                 case when o.kind = 'update' and not exists (select from claims c where c.instance_id = o.instance_id
                     and c.domain = $5 and (c.seen_at is not null or c.proved))
                   then o.created_at + $10 * interval '1 millisecond' end)
               from operations o where o.id = $2)
             else now() + $9 * interval '1 millisecond' end,
        now(), case when $7 = 'done' then now() end)
on conflict (operation_id, kind, subject, round) do nothing
returning (extract(epoch from due_at - now()) * 1000)::bigint
