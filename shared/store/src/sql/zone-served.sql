-- The names in the zone, each with its values: a target has none between orders. A value is served even if its target's row was lost.
select t.label as name, extract(epoch from t.created_at)::bigint as created, null::text as value
from delegation_targets t
where t.zone = $1::text
union all
select left(p.name, -(length($1::text) + 1)), null, p.value
from published_values p
where p.withdrawn_at is null and right(p.name, length($1::text) + 1) = '.' || $1::text
