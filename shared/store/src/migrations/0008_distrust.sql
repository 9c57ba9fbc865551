-- Additive. A program of schema 7 renews as ever, but heeds no distrust: upgrade certificate-issuer before cdnctl's renew --new-key is used.

alter table instances
    -- Keys of certificates that were made before are not used for new ones, and those in use are replaced.
    add column keys_distrusted_at timestamptz,
    -- Certificates whose order was made before are revoked once nothing serves them; for which reason (RFC 5280 §5.3.1).
    add column revoke_before timestamptz,
    add column revoke_reason text check (revoke_reason in ('key-compromise', 'superseded', 'cessation-of-operation', 'unspecified')),
    add constraint revocation_has_a_reason check ((revoke_before is null) = (revoke_reason is null));

alter table certificates
    -- When the CA revoked it.
    add column revoked_at timestamptz,
    -- Not asked for again before, and why the CA did not do it.
    add column revoke_due timestamptz,
    add column revoke_problem text;

create index instances_revoking on instances (id) where revoke_before is not null;
