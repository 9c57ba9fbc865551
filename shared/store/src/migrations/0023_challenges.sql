-- What the CA offers for a domain, as one object with a member for each way (pipeline::proof::Challenges), in place of a column for each detail.
-- Programs from before this write and read the columns, so a trigger keeps both while they run beside newer ones. Orders from before this have
-- the columns only: they are read by coalesce(z.challenges, challenges_of_columns(z)).
alter table authorizations add column challenges jsonb;

create function challenges_of_columns(z authorizations) returns jsonb language sql stable strict as $$
    select jsonb_build_object(
            'v', 1,
            'offered', jsonb_strip_nulls(jsonb_build_object(
                'dns-persist-01', case when z.issuer_domains is not null and uris[1] is not null then jsonb_build_object(
                    'form', coalesce(z.persist_form, 'account-url'),
                    'issuer_domains', z.issuer_domains,
                    'account_uris', jsonb_build_object('to_set', uris[1], 'besides', to_jsonb(uris[2:]))) end,
                'dns-01', case when z.dns01_value is not null then jsonb_build_object('value', z.dns01_value) end,
                'http-01', case when z.http01_token is not null and z.http01_key_authorization is not null then jsonb_build_object(
                    'token', z.http01_token, 'key_authorization', z.http01_key_authorization) end)),
            'unusable', jsonb_strip_nulls(jsonb_build_object('dns-persist-01', z.persist_problem)))
        from (select coalesce(z.persist_account_uris, array(select r.account_uri from orders r where r.id = z.order_id)) as uris) u
$$;

create function both_forms_of_challenges() returns trigger language plpgsql as $$
declare
    persist jsonb := new.challenges #> '{offered,dns-persist-01}';
    http jsonb := new.challenges #> '{offered,http-01}';
begin
    if new.challenges is null then
        new.challenges := challenges_of_columns(new);
        return new;
    end if;
    new.issuer_domains := case when persist is not null then array(select jsonb_array_elements_text(persist -> 'issuer_domains')) end;
    new.persist_form := persist ->> 'form';
    new.persist_account_uris := case when persist is not null then
        array[persist #>> '{account_uris,to_set}'] || array(select jsonb_array_elements_text(persist #> '{account_uris,besides}')) end;
    new.persist_problem := new.challenges #>> '{unusable,dns-persist-01}';
    new.dns01_value := new.challenges #>> '{offered,dns-01,value}';
    new.http01_token := http ->> 'token';
    new.http01_key_authorization := http ->> 'key_authorization';
    return new;
end
$$;

create trigger both_forms_of_challenges before insert on authorizations
    for each row execute function both_forms_of_challenges();

-- What the http-01 responder looks for.
update authorizations z set challenges = challenges_of_columns(z)
from orders r join operations o on o.id = r.operation_id
where r.id = z.order_id and o.state = 'running';
create index authorizations_token on authorizations ((challenges #>> '{offered,http-01,token}'))
    where challenges #>> '{offered,http-01,token}' is not null;
