-- Additive. The kind "update" and the step "configure-distribution" are new, though: a worker of schema 2 parks their
-- messages, and its successor finds them by sweeping. So broker-api is upgraded last.

-- What an update wants: {"request", "settings", "new_certificate"}. The instance's own columns stay what CloudFront was
-- last told, until it was told this.
alter table operations add column target jsonb;
