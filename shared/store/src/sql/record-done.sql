-- Also tells, of a domain that was verified, whether others of its round wait. What this statement reads is from before its own change, so the
-- step itself is left out.
update steps s
set state = 'done', verdict = $2, method = $3, reason = coalesce($4, s.reason - 'memory'),
    waiting_for = case when $4 is null then s.waiting_for end, checked_at = now(), ended_at = now()
where s.id = $1
returning s.kind = 'verify-challenge' and s.verdict <> 'order-spent' and (
    -- Never by `steps_due`, the index of all steps that wait: see docs/decisions.md.
    select count(*) filter (where w.state = 'waiting' and w.id <> s.id) > 0
    from steps w where w.operation_id = s.operation_id and w.kind = s.kind and w.round = s.round)
