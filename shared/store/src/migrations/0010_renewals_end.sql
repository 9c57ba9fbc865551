-- Additive: finds renewals that ended long ago, whose rows are deleted.
create index operations_ended_renewals on operations (ended_at) where kind = 'renew' and ended_at is not null;
