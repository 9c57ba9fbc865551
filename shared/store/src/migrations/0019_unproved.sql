-- Additive. What a tenant asks for and has not proved is counted whenever it asks for more.
create index claims_unproved on claims (tenant) where not proved;
