-- The names that the old broker gave to these domains become targets of the instance's tenant, except for those that another tenant has. A target of its
-- own is replaced if it never served: its CNAME is not known to have been set, and the old broker's is.
insert into delegation_targets as t (tenant, zone, domain, label)
select i.tenant, $2, new.domain, new.label
from instances i, unnest($3::text[], $4::text[]) as new (domain, label)
where i.id = $1 and not exists (select from delegation_targets o where o.zone = $2 and o.label = new.label and o.tenant <> i.tenant)
order by new.domain
on conflict (tenant, domain, zone) do update set label = excluded.label where not {t_serves}
