-- Additive, but the operation "renew" is new: a worker of schema 6 parks its messages, and its successor finds them by sweeping.
-- Nothing is renewed before certificate-issuer is upgraded.

-- When the certificate is to be renewed; null until that was decided.
alter table certificates add column renew_at timestamptz;
-- What is in use, and so may be due.
create index certificates_in_use on certificates (instance_id, attached_at desc) where attached_at is not null and retired_at is null;
