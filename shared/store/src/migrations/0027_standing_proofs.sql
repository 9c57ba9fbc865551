-- Additive: a program of schema 1 keeps working on it.

-- Records that were set once are looked at in between, not only when a certificate is renewed.
alter table claims
    add column proof_checked_at timestamptz,
    -- Since when nothing proves the domain any more, and what was seen instead.
    add column proof_gone_at timestamptz,
    add column proof_seen jsonb;
