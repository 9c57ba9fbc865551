-- Locks the operation before the step, as everywhere. Whatever ends an operation cancels its waiting steps in the same transaction, so the
-- instance need not be locked.
with running as materialized (
    select id from operations where id = $1 and state is not distinct from 'running' for no key update
), pending as (
    update steps s
    set attempt = attempt + 1, due_at = now() + $4 * interval '1 millisecond', reason = $5, waiting_for = null,
        checked_at = now(), rung_at = now(), swept = 0, crashes = $6, slow_looks = $7
    from running
    where s.id = $2 and s.operation_id = running.id and s.attempt = $3 and s.state is not distinct from 'waiting' and s.deadline_at >= now()
    returning s.operation_id
)
update operations o set version = version + 1 from pending where o.id = pending.operation_id
