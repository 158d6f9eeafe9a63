-- A later number than that of any transaction which has ended, for a transaction whose snapshot is older than that: it
-- does not see the rows of those, but it notices them, as it does a unique value that is free again. Only an ID assigned
-- now is certainly later, and a subtransaction has one as soon as it writes.
create function late_transaction() returns bigint language plpgsql security definer set search_path from current as $$
declare
    late     bigint;
    own      bigint := pg_current_xact_id()::text::bigint;
begin
    begin
        insert into user_events (transaction, type, user_id)
        values (0, 'CREATED', '00000000-0000-0000-0000-000000000000')
        returning xmin::text::bigint into late;
        raise exception using errcode = 'UD001';
    exception when sqlstate 'UD001' then
        null;
    end;
    -- xmin has 32 bits.
    return own + (late - own % 4294967296 + 4294967296) % 4294967296;
end $$;

-- No event that is yet to be appended gets a number below the one after the last transaction that has ended.
alter table user_events alter transaction set default case
    when current_setting('transaction_isolation') in ('repeatable read', 'serializable') then late_transaction()
    else greatest(pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)
end;

-- Up to where no event is still to come, in spite of transactions that are open and have appended none. Whoever appends
-- an event has locked user_events before it gets its number. So a transaction that holds no such lock now will get a
-- later number than any that has ended, or the same one and a later sequence. The steps are in this order for a reason:
-- what ends, or begins to append, between two of them is on the safe side. A statement that begins after this one sees
-- all events up to there.
create function feed_settled(out settled_transaction bigint, out settled_sequence bigint) language plpgsql as $$
declare
    next   bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    oldest bigint;
begin
    settled_sequence := (select last_value from user_events_sequence_seq);
    -- pg_locks shows 32 bits of an ID.
    oldest := (
        select min(next + ((id.transactionid::text::bigint - next % 4294967296 + 6442450944) % 4294967296 - 2147483648))
        from pg_locks appending
        join pg_locks id using (virtualtransaction)
        where appending.locktype = 'relation'
            and appending.database = (select oid from pg_database where datname = current_database())
            and appending.relation = 'user_events'::regclass
            and appending.mode not in ('AccessShareLock', 'RowShareLock')
            and id.locktype = 'transactionid'
            and id.granted
            and id.mode = 'ExclusiveLock');
    settled_transaction := next - 1;
    if oldest < next then
        settled_transaction := oldest - 1;
        settled_sequence := 9223372036854775807;
    end if;
end $$;
