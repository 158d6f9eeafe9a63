-- user_events becomes the log of groups and memberships, too. It keeps its name: its OID is part of an era, and the
-- previous version of the service reads it, but shows only the types that it knows.

-- While this waits for its lock, all writers wait behind it. So it gives up soon, and can be run again.
set local lock_timeout = '10s';

-- The check is not validated, so that nobody waits while PostgreSQL reads the whole table: older rows pass.
alter table user_events
    alter user_id drop not null,
    -- The group of an event of a group or a membership. An event of a membership has a user as well.
    add group_id uuid,
    -- Which fields an update has changed: values of UserField or GroupField. Null in events of other kinds.
    add changed text[],
    -- Who made the change, as the writing transaction said. Null if it did not.
    add actor_subject text,
    add actor_client text,
    -- The number of the transaction that wrote the event. transaction is the same or greater.
    add writer bigint,
    drop constraint user_events_type_check,
    add constraint user_events_type_check check (
        num_nulls(user_id, group_id) < 2
        and type = any (case
            when group_id is null then '{CREATED,UPDATED,DELETED}'::text[]
            when user_id is null then '{GROUP_CREATED,GROUP_UPDATED,GROUP_DELETED}'
            else '{MEMBER_ADDED,MEMBER_REMOVED}'
        end)) not valid;

-- What was the default of user_events.transaction. A statement that appends several events asks once.
create function event_transaction() returns bigint language sql
return case
    when current_setting('transaction_isolation') in ('repeatable read', 'serializable') then late_transaction()
    else greatest(pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)
end;

alter table user_events
    alter transaction set default event_transaction(),
    alter writer set default pg_current_xact_id()::text::bigint;

-- A transaction says for whom it writes by set_config('directory.actor_subject', …, true) and directory.actor_client. A
-- statement that creates users for several callers sets directory.creators instead: {"<ID>": ["<subject>", "<client>"]}.
create or replace function append_user_events() returns trigger language plpgsql as $$
declare
    subject  text  := nullif(current_setting('directory.actor_subject', true), '');
    client   text  := nullif(current_setting('directory.actor_client', true), '');
    creators jsonb := nullif(current_setting('directory.creators', true), '');
begin
    if tg_op = 'INSERT' then
        insert into user_events (transaction, writer, occurred_at, type, user_id, actor_subject, actor_client)
        select now.*, 'CREATED', id,
            case when creators is null then subject else creators -> id::text ->> 0 end,
            case when creators is null then client else creators -> id::text ->> 1 end
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, after;
    elsif tg_op = 'UPDATE' then
        -- A changed ID is a deletion and a creation.
        insert into user_events (transaction, writer, occurred_at, type, user_id, changed, actor_subject, actor_client)
        select now.*,
            case when after.id is null then 'DELETED' when before.id is null then 'CREATED' else 'UPDATED' end,
            id,
            case when before.id = after.id then array_remove(array[
                case when before.name <> after.name then 'NAME' end,
                case when before.email <> after.email then 'EMAIL' end,
                case when before.active <> after.active then 'ACTIVE' end], null) end,
            subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, before full join after using (id)
        where after is distinct from before
        order by after.id is not null;
    else
        insert into user_events (transaction, writer, occurred_at, type, user_id, actor_subject, actor_client)
        select now.*, 'DELETED', id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, before;
    end if;
    return null;
end $$;

create or replace function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'Delete % instead of truncating them: each deletion is to have its event', replace(tg_table_name, '_', ' ')
        using errcode = 'feature_not_supported';
end $$;
