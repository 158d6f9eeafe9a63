set local lock_timeout = '10s';

create function append_group_events() returns trigger language plpgsql as $$
declare
    subject text := nullif(current_setting('directory.actor_subject', true), '');
    client  text := nullif(current_setting('directory.actor_client', true), '');
begin
    if tg_op = 'INSERT' then
        insert into user_events (transaction, writer, occurred_at, type, group_id, actor_subject, actor_client)
        select now.*, 'GROUP_CREATED', id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, after;
    elsif tg_op = 'UPDATE' then
        insert into user_events (transaction, writer, occurred_at, type, group_id, changed, actor_subject, actor_client)
        select now.*,
            case
                when after.id is null then 'GROUP_DELETED'
                when before.id is null then 'GROUP_CREATED'
                else 'GROUP_UPDATED'
            end,
            id,
            case when before.id = after.id then array_remove(array[
                case when before.name <> after.name then 'NAME' end,
                case when before.description is distinct from after.description then 'DESCRIPTION' end], null) end,
            subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, before full join after using (id)
        where after is distinct from before
        order by after.id is not null;
    else
        insert into user_events (transaction, writer, occurred_at, type, group_id, actor_subject, actor_client)
        select now.*, 'GROUP_DELETED', id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, before;
    end if;
    return null;
end $$;

create trigger groups_created after insert on groups
    referencing new table as after for each statement execute function append_group_events();
create trigger groups_updated after update on groups
    referencing old table as before new table as after for each statement execute function append_group_events();
create trigger groups_deleted after delete on groups
    referencing old table as before for each statement execute function append_group_events();

create trigger groups_truncated before truncate on groups for each statement execute function refuse_truncate();
