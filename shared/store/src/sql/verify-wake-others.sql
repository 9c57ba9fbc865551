-- A tenant sets several records at a time. Not those that rest because the CA rejected them (never tried yet) or their servers are slow; none is
-- looked at again within 3 seconds.
with others as materialized (
    -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
    select id, state, greatest(now(), checked_at + interval '3 seconds') as due_at
    from steps where operation_id = $1 and kind = 'verify-challenge' and round = $2
)
update steps s set due_at = o.due_at, rung_at = now() from others o
where s.id = o.id and o.state = 'waiting' and s.attempt > 0 and s.slow_looks = 0 and s.due_at > o.due_at + interval '500 milliseconds'
returning s.id, s.attempt, (extract(epoch from s.due_at - now()) * 1000)::bigint
