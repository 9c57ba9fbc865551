-- A CA may offer the same value in a later order, so a value that such an order needs stays; but a removal that has begun is completed, and the
-- order then writes the value again. Those that failed before come last.
update published_values p set withdrawn_at = coalesce(p.withdrawn_at, now())
where p.ctid = any (array(
    select p.ctid from published_values p
    where p.withdrawn_at is not null or not {p_is_needed} and not exists (
        select from published_values q where q.name = p.name and q.value = p.value and {q_is_needed})
    order by p.withdrawn_at nulls first, p.created_at limit $1 for update skip locked))
returning p.name, p.value
