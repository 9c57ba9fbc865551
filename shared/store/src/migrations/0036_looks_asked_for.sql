-- Additive: a program of schema 1 keeps working on it; what it records leaves a look asked for until a newer one looks.

-- When the tenant asked for a look at the domain on its page; null once that look is recorded.
alter table steps add column asked_at timestamptz;
