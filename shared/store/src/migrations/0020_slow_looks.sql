-- Additive: a program of schema 1 keeps working on it; what it records leaves the count as it is.

-- How many looks at a domain ran into a time limit in a row: it is looked at ever more seldom.
alter table steps add column slow_looks integer not null default 0;
