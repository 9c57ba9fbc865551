-- Why a step waits, as facts (pipeline::reason::stored), in place of words. Programs from before this write words to waiting_for, and
-- leave the facts as they are; programs since then write facts, and no words. So where there are words, they are the newer.
alter table steps add column reason jsonb;

create function reason_of(s steps) returns jsonb language sql immutable as $$
    select case when s.waiting_for is null then s.reason else jsonb_build_object('v', 0, 'text', s.waiting_for) end
$$;
