-- Additive, but certificate-issuer of an older schema knows nothing of a key that is being changed: no rollover is asked for before
-- every one of them is upgraded.

alter table acme_accounts
    -- How often the account's key was changed (RFC 8555 §7.3.5).
    add column key_generation integer not null default 0,
    add column key_changed_at timestamptz,
    -- The key that the CA is asked to take instead: here before the CA hears of it, and until it is known that the CA took it.
    add column next_sealed_key bytea,
    add column next_key_at timestamptz,
    -- The operator's wish, until a key that was made after it is the account's.
    add column rollover_asked_at timestamptz,
    add column rollover_tried_at timestamptz,
    -- Why it is not done yet.
    add column rollover_problem text;

-- Which of its account's keys the authorizations' values of dns-01 and http-01 were computed with.
alter table orders add column key_generation integer not null default 0;
