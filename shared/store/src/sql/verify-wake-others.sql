-- A tenant sets several records at a time. A few are looked at, each of which does the same when it is proved: many records that are there are
-- found in a few turns, and many that are not cost a few looks. None is looked at again within 3 seconds, nor woken twice before it was.
with others as materialized (
    -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
    select id, state, attempt, slow_looks, rung_at, checked_at, reason, due_at as planned, greatest(now(), checked_at + interval '3 seconds') as due_at
    from steps where operation_id = $1 and kind = 'verify-challenge' and round = $2
), few as (
    -- Not those that rest: rejected by the CA (not tried yet), with slow servers, or seen in place and waiting for a time.
    select id, due_at from others
    where state = 'waiting' and attempt > 0 and slow_looks = 0 and rung_at <= checked_at and reason->>'in_place' is null
      and planned > due_at + interval '500 milliseconds'
    order by checked_at limit 8
)
update steps s set due_at = f.due_at, rung_at = now() from few f where s.id = f.id
returning s.id, s.attempt, (extract(epoch from s.due_at - now()) * 1000)::bigint
