-- Additive: what a program of schema 1 begins has null here, and its domains' CAA records are not looked at.

-- What CAA records may call the CA (caaIdentities of its directory); null or empty: not known.
alter table orders add column caa_identities text[];
