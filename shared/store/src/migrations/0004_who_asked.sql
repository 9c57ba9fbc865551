-- Additive: a program of schema 1 keeps working on it; what it begins has nulls here.

-- The platform, by the name of its credentials.
alter table operations add column platform text;
-- X-Broker-API-Originating-Identity: {"platform": …, "value": {…}}, or {"unreadable": …} with the beginning of what came.
-- It names a person; null when the platform acted by itself.
alter table operations add column originating_identity jsonb;
-- X-Broker-API-Request-Identity, at most 255 characters of it.
alter table operations add column request_identity text;
