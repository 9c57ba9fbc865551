-- Of each table: the share of it that is free, and how full the leaves of its indexes are.
select c.relname::text, t.free_percent + t.dead_tuple_percent,
    (select sum(s.avg_leaf_density * s.leaf_pages) / sum(s.leaf_pages)::float8
        from pg_index i, pgstatindex(i.indexrelid::regclass) s where i.indrelid = c.oid and s.leaf_pages > 0)
from pg_class c, pgstattuple(c.oid::regclass) t
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
