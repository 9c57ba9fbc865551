-- Takes the check that waits longest; also one whose taker is gone, since it took it more than $2 milliseconds ago. Whoever comes meanwhile takes
-- another one.
update outside_checks c set attempts = c.attempts + 1, taken_at = now()
where c.instance_id = (
    select w.instance_id from outside_checks w
    where w.done_at is null and w.attempts < $1
        and (w.taken_at is null or w.taken_at < now() - $2::float8 * interval '1 millisecond')
    order by w.asked_at limit 1 for update skip locked)
returning c.instance_id, c.asked_at, c.attempts, c.echo, c.result->>'next' as next
