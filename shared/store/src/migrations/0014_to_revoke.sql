-- Additive.

-- Certificates that the CA is to revoke and has not: those that serve are replaced first. It reaches those of removed instances.
create view certificates_to_revoke as
    select c.id, c.instance_id, i.tenant, i.revoke_reason, c.chain_pem, c.not_after, c.retired_at, c.revoke_due, c.revoke_problem
    from instances i join certificates c on c.instance_id = i.id join orders r on r.id = c.order_id
    where i.revoke_before is not null and r.created_at < i.revoke_before and c.revoked_at is null
      and c.not_after > clock_timestamp();
