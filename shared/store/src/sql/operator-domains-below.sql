-- Claims to a name and to those below it, which stand together when they are read from their end: '.' is the first character of a name below,
-- and '/' the one after it.
select found.key, found.instance_id, found.domain || ': ' || coalesce(k.state, 'left over') as note
from (
    (select c.instance_id, c.domain, reverse(c.domain) collate "C" as key
        from claims c
        where reverse(c.domain) collate "C" = reverse($1::text) and (reverse(c.domain) collate "C", c.instance_id) > ($2::text, $3::text)
        order by reverse(c.domain) collate "C", c.instance_id limit $4)
    union all
    (select c.instance_id, c.domain, reverse(c.domain) collate "C" as key
        from claims c
        where reverse(c.domain) collate "C" >= reverse($1::text) || '.' and reverse(c.domain) collate "C" < reverse($1::text) || '/'
            and (reverse(c.domain) collate "C", c.instance_id) > ($2::text, $3::text)
        order by reverse(c.domain) collate "C", c.instance_id limit $4)
) found
left join lateral (
    select s.state from claim_states s where s.instance_id = found.instance_id and s.domain = found.domain
) k on true
order by found.key collate "C", found.instance_id
limit $4
