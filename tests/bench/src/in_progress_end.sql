-- Instances whose ids begin with @prefix@ were never there. Locks come in the order in which the services take them.
select from instances where starts_with(id, '@prefix@') for update;
select from operations where starts_with(instance_id, '@prefix@') for update;
delete from steps s using operations o where o.id = s.operation_id and starts_with(o.instance_id, '@prefix@');
delete from operations where starts_with(instance_id, '@prefix@');
delete from claims where starts_with(instance_id, '@prefix@');
delete from instances where starts_with(id, '@prefix@');
