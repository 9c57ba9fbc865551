-- Additive. The step "settle-function" is new, though: only instances with a redirect have it, and only a broker-api of this
-- schema makes those, so it is upgraded last.

-- Name of the instance's CloudFront function, written before CreateFunction is called: from then on one may turn up. It stays,
-- so that the reconciler knows what turns up late.
alter table instances add column function_name text;
-- When it was last about to be made.
alter table instances add column function_since timestamptz;

-- The reconciler asks by it.
create unique index instances_function on instances (function_name) where function_name is not null;
