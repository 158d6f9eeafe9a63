-- An era is a run of one server on one timeline. A new era may lack the last commits of the one before: after a failover
-- to a standby that had not received them, a point-in-time recovery, or the restore of a copy. A cursor names the era in
-- which it was handed out, and a WAL position that covers every commit that its holder has seen. It is good if its era
-- is the newest, or if no later era began before that position.
create table feed_eras (
    number            bigint      not null generated always as identity,
    -- Random: an era whose row was lost in a failover must not be mistaken for the one that took its number.
    id                bigint      not null default random(1, 2147483647),
    system_identifier bigint      not null,
    timeline          integer     not null,
    server_started    timestamptz not null,
    -- The table's OID, which a restored dump changes.
    events            oid         not null,
    -- Every commit of earlier eras up to here is in this one.
    began_after       pg_lsn      not null,
    -- A database that has this row has every commit up to here. It stands in for began_after of the next era where the
    -- server does not say on which position its timeline began.
    complete_to       pg_lsn      not null default '0/0',
    constraint feed_eras_pkey primary key (number),
    constraint feed_eras_id_key unique (id)
);

-- The ID of the era that this server is in; the first caller in a new era adds its row.
create function feed_era() returns bigint language plpgsql as $$
declare
    this   feed_eras;
    newest feed_eras;
begin
    this.system_identifier := (select system_identifier from pg_control_system());
    this.timeline := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
    this.server_started := pg_postmaster_start_time();
    this.events := 'user_events'::regclass;
    for attempt in 1..2 loop
        select * into newest from feed_eras order by number desc limit 1;
        if (newest.system_identifier, newest.timeline, newest.server_started, newest.events)
                = (this.system_identifier, this.timeline, this.server_started, this.events) then
            return newest.id;
        end if;
        -- Another session may be adding the row.
        lock table feed_eras in share row exclusive mode;
    end loop;

    this.began_after := newest.complete_to;
    if (newest.system_identifier, newest.events) = (this.system_identifier, this.events) then
        if newest.timeline = this.timeline then
            -- Recovery from a crash ends with a checkpoint, and so does a shutdown.
            this.began_after := (select checkpoint_lsn from pg_control_checkpoint());
        elsif has_function_privilege('pg_read_file(text, boolean)', 'execute') then
            this.began_after := coalesce(
                (regexp_match(
                    pg_read_file('pg_wal/' || upper(lpad(to_hex(this.timeline), 8, '0')) || '.history', true),
                    '(?n)^\s*' || newest.timeline || '\s+([0-9A-F]+/[0-9A-F]+)'))[1]::pg_lsn,
                this.began_after);
        end if;
    end if;
    insert into feed_eras (system_identifier, timeline, server_started, events, began_after)
    values (this.system_identifier, this.timeline, this.server_started, this.events, coalesce(this.began_after, '0/0'))
    returning id into this.id;
    return this.id;
end $$;

select feed_era();

-- A WAL position that covers every commit which the calling statement sees, as a number of bytes. It is flushed, so that
-- recovery from a crash gets at least that far, also if another program commits with synchronous_commit = off.
create function feed_wal() returns bigint language sql as $$
    select (case
        when pg_current_wal_flush_lsn() >= inserted.lsn then inserted.lsn
        else pg_logical_emit_message(false, 'user_events', '', true)
    end - '0/0')::bigint
    from (select pg_current_wal_insert_lsn() as lsn offset 0) inserted
$$;

-- Of each user, the newest event that is no longer kept. So the subscription to a user of whom nothing was missed does not
-- expire when the event of its cursor is trimmed. The row without a user stands for what was trimmed before.
create table trimmed_events (
    user_id     uuid,
    transaction bigint not null,
    sequence    bigint not null,
    constraint trimmed_events_user_id_key unique nulls not distinct (user_id)
);

insert into trimmed_events (transaction, sequence)
select transaction, sequence from user_events order by transaction, sequence limit 1;

create function note_trimmed_events() returns trigger language plpgsql as $$
begin
    insert into trimmed_events as known (user_id, transaction, sequence)
    select distinct on (user_id) user_id, transaction, sequence
    from trimmed
    order by user_id, transaction desc, sequence desc
    on conflict (user_id) do update
        set transaction = excluded.transaction, sequence = excluded.sequence
        where (excluded.transaction, excluded.sequence) > (known.transaction, known.sequence);
    return null;
end $$;

create trigger user_events_trimmed after delete on user_events
    referencing old table as trimmed for each statement execute function note_trimmed_events();

-- Whether every event behind a cursor is kept, or every one of a user, and the database has every commit that the holder
-- of the cursor has seen. Cursors of before there were eras name none: they are good as long as their event is kept and
-- there has been one server, timeline and table.
create function feed_has(
    event_transaction bigint, event_sequence bigint, seen_era bigint, seen_wal bigint, of_user uuid
) returns boolean language plpgsql as $$
declare
    newest bigint := feed_era();
begin
    if of_user is null or seen_era = 0 then
        if not exists (
            select from user_events where (transaction, sequence) = (event_transaction, event_sequence)
        ) then
            return false;
        end if;
    elsif exists (
        select from trimmed_events
        where (user_id = of_user or user_id is null)
            and (transaction, sequence) > (event_transaction, event_sequence)
    ) then
        return false;
    end if;
    return case seen_era
        when newest then true
        when 0 then (select count(distinct (system_identifier, timeline, events)) = 1 from feed_eras)
        else exists (
            select from feed_eras era
            where id = seen_era
                and not exists (
                    select from feed_eras later
                    where later.number > era.number and later.began_after - '0/0' < seen_wal))
    end;
end $$;
