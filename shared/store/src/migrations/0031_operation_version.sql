-- Counts the records of the operation's steps: last_operation sends its previous answer again while it stays the same.
alter table operations add column version bigint not null default 0;
-- The count is written with each record: room for it on the same page, so that no index is written.
alter table operations set (fillfactor = 60);
