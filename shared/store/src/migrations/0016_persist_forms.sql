-- Additive: what a program of an older schema begins has null here, and its standing records name the account's URL.

alter table authorizations
    -- In which form the CA wants the standing record of dns-persist-01 (certificate-issuer's src/persist), null where it offers none.
    add column persist_form text,
    -- What such a record may have for accounturi: first what is to be set, then what the CA takes besides.
    add column persist_account_uris text[],
    -- Why dns-persist-01, which the CA offers, can't be used.
    add column persist_problem text;

-- RFC 7638 thumbprints of the keys that the account had before, the newest first: a CA of draft-ietf-acme-dns-persist-02 takes records
-- that were made with them.
alter table acme_accounts add column earlier_thumbprints text[] not null default '{}';
