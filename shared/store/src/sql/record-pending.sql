-- Locks the operation before the step, as everywhere. Whatever ends an operation cancels its waiting steps in the same transaction, so the
-- instance need not be locked. A look that saw what the one before it saw is no news, and not counted in the operation's version: only its time
-- differs, and where it found its answers. One that was asked for is counted: whoever asked waits for it, whatever it saw. Of a step's news the
-- newest 30 are kept; what this statement reads of them is from before its own change.
with running as materialized (
    select id from operations where id = $1 and state is not distinct from 'running' for no key update
), pending as (
    update steps s
    set attempt = s.attempt + 1, due_at = now() + $4 * interval '1 millisecond', reason = $5, waiting_for = null,
        checked_at = now(), asked_at = null, rung_at = now(), swept = 0, crashes = $6, slow_looks = $7
    from running, steps before
    where s.id = $2 and s.operation_id = running.id and s.attempt = $3 and s.state is not distinct from 'waiting' and s.deadline_at >= now()
      and before.id = s.id
    returning s.id, s.operation_id, before.attempt, s.reason - 'memory' as saw, before.asked_at is not null as was_asked_for,
        before.checked_at is null or reason_of(before) - 'memory' is distinct from s.reason - 'memory' as is_news
), counted as (
    update operations o set version = version + 1 from pending where o.id = pending.operation_id and (pending.is_news or pending.was_asked_for)
), noted as (
    insert into step_news (step_id, attempt, reason) select id, attempt, saw from pending where is_news
), shortened as (
    delete from step_news n using pending p
    where p.is_news and n.step_id = p.id
      and n.attempt <= (select m.attempt from step_news m where m.step_id = p.id order by m.attempt desc offset 29 limit 1)
)
select from pending
