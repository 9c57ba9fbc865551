-- Additive: a program of schema 1 keeps working on it. A broker-api of an earlier schema takes an offer without its targets: upgrade it before
-- cdnctl adopt --delegation-zone is used.

-- The zone in which the old broker's tenants have targets already, by the domains' names: they become the targets of the tenant that takes the offer.
alter table offers add column delegation_zone text;
