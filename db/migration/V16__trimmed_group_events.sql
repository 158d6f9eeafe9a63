-- The newest event that is no longer kept, for each group and for the memberships of each user. Events of users themselves
-- stay in trimmed_events, so that Subscription.userEvents does not expire because of memberships, which it does not show.
create table trimmed_group_events (
    object_id   uuid   not null,
    transaction bigint not null,
    sequence    bigint not null,
    constraint trimmed_group_events_pkey primary key (object_id)
);

create or replace function note_trimmed_events() returns trigger language plpgsql as $$
begin
    insert into trimmed_events as known (user_id, transaction, sequence)
    select distinct on (user_id) user_id, transaction, sequence
    from trimmed
    where group_id is null
    order by user_id, transaction desc, sequence desc
    on conflict (user_id) do update
        set transaction = excluded.transaction, sequence = excluded.sequence
        where (excluded.transaction, excluded.sequence) > (known.transaction, known.sequence);

    insert into trimmed_group_events as known (object_id, transaction, sequence)
    select distinct on (object_id) object_id, transaction, sequence
    from (
        select group_id as object_id, transaction, sequence from trimmed where group_id is not null
        union all
        select user_id, transaction, sequence from trimmed where group_id is not null and user_id is not null
    ) of_objects
    order by object_id, transaction desc, sequence desc
    on conflict (object_id) do update
        set transaction = excluded.transaction, sequence = excluded.sequence
        where (excluded.transaction, excluded.sequence) > (known.transaction, known.sequence);
    return null;
end $$;

-- Whether the database has every commit that the holder of a cursor has seen.
create function feed_reaches(seen_era bigint, seen_wal bigint) returns boolean language plpgsql as $$
declare
    newest bigint := feed_era();
begin
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

-- Whether every event behind a cursor is kept: all, or those of a user, without memberships.
create or replace function feed_has(
    event_transaction bigint, event_sequence bigint, seen_era bigint, seen_wal bigint, of_user uuid
) returns boolean language plpgsql as $$
begin
    if of_user is null or seen_era = 0 then
        return feed_reaches(seen_era, seen_wal) and exists (
            select from user_events where (transaction, sequence) = (event_transaction, event_sequence));
    end if;
    return feed_reaches(seen_era, seen_wal) and not exists (
        select from trimmed_events
        where (user_id = of_user or user_id is null) and (transaction, sequence) > (event_transaction, event_sequence));
end $$;

-- The same for the events of a user, with memberships, or of a group, or of a user's membership of a group.
create function feed_has(
    event_transaction bigint, event_sequence bigint, seen_era bigint, seen_wal bigint, of_user uuid, of_group uuid
) returns boolean language plpgsql as $$
begin
    if seen_era = 0 or of_user is null and of_group is null then
        return feed_has(event_transaction, event_sequence, seen_era, seen_wal, null);
    end if;
    if of_group is null and not feed_has(event_transaction, event_sequence, seen_era, seen_wal, of_user) then
        return false;
    end if;
    -- If both are given, it is enough that nothing of one of them was trimmed.
    return feed_reaches(seen_era, seen_wal) and exists (
        select from (values (of_user), (of_group)) as wanted (object)
        where object is not null and not exists (
            select from trimmed_group_events
            where object_id = object and (transaction, sequence) > (event_transaction, event_sequence)));
end $$;

-- After which event those since a time begin, without reading the whole log; (0, 0) stands for its beginning, and null
-- means that some may have been trimmed. The order of the feed hardly ever differs from the order of times by more than a
-- minute, so a minute is searched one event after the other.
create function feed_since(
    since timestamptz, out event_transaction bigint, out event_sequence bigint
) language plpgsql as $$
declare
    tolerance constant interval := '1 minute';
    settled   constant bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    low       bigint;
    high      bigint := settled;
    start     bigint := 0;
    event     user_events;
begin
    select * into event from user_events where transaction < settled order by transaction, sequence limit 1;
    if (event.occurred_at is null or since < event.occurred_at + tolerance)
            and (exists (select from trimmed_events) or exists (select from trimmed_group_events)) then
        return;
    end if;
    low := event.transaction;
    while low < high loop
        select * into event from user_events
        where transaction >= low + (high - low) / 2 and transaction < high
        order by transaction, sequence limit 1;
        if event.occurred_at < since - tolerance then
            start := event.transaction;
            low := event.transaction + 1;
        else
            high := low + (high - low) / 2;
        end if;
    end loop;

    select * into event from user_events
    where transaction >= start and transaction < settled and occurred_at >= since
    order by transaction, sequence limit 1;
    select transaction, sequence into event_transaction, event_sequence from user_events
    where (transaction, sequence) < (coalesce(event.transaction, settled), coalesce(event.sequence, 0))
    order by transaction desc, sequence desc limit 1;
    event_transaction := coalesce(event_transaction, 0);
    event_sequence := coalesce(event_sequence, 0);
end $$;
