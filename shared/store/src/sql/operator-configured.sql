select i.id, i.distribution_id, i.settings, c.reference, o.kind as at_work,
array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d order by d collate "C") as domains,
exists (select from operations o where o.instance_id = i.id and o.kind = 'deprovision') as going
from instances i
left join certificates_in_use c on c.instance_id = i.id
left join operations o on o.instance_id = i.id and o.state = 'running'
where i.distribution_id is not null and i.deleted_at is null and ($1::text[] is null or i.id = any($1))
order by i.created_at, i.id
