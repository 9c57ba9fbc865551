-- What an instance of this tenant would inherit. Generations of a name count as one: which of them takes the offer is not known yet.
select new.domain, new.label, case when {t_serves} then t.label end as own,
    (select o.tenant from delegation_targets o
     where o.zone = $2 and o.label = new.label and split_part(o.tenant, '#', 1) <> split_part($1, '#', 1)) as anothers
from unnest($3::text[], $4::text[]) as new (domain, label)
left join delegation_targets t on t.tenant = $1 and t.zone = $2 and t.domain = new.domain
order by new.domain
