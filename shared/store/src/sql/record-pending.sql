-- Locks the operation before the step, as everywhere. Whatever ends an operation cancels its waiting steps in the same transaction, so the
-- instance need not be locked. A look that saw what the one before it saw is not counted in the operation's version: only its time differs,
-- and where it found its answers.
with running as materialized (
    select id from operations where id = $1 and state is not distinct from 'running' for no key update
), pending as (
    update steps s
    set attempt = s.attempt + 1, due_at = now() + $4 * interval '1 millisecond', reason = $5, waiting_for = null,
        checked_at = now(), rung_at = now(), swept = 0, crashes = $6, slow_looks = $7
    from running, steps before
    where s.id = $2 and s.operation_id = running.id and s.attempt = $3 and s.state is not distinct from 'waiting' and s.deadline_at >= now()
      and before.id = s.id
    returning s.operation_id, before.checked_at is null or reason_of(before) - 'memory' is distinct from s.reason - 'memory' as tells_more
), counted as (
    update operations o set version = version + 1 from pending where o.id = pending.operation_id and pending.tells_more
)
select from pending
