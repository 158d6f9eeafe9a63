set local lock_timeout = '10s';

-- A membership that begins at another time is another one, since Group.members shows it in another place.
create function append_member_events() returns trigger language plpgsql as $$
declare
    subject text := nullif(current_setting('directory.actor_subject', true), '');
    client  text := nullif(current_setting('directory.actor_client', true), '');
begin
    if tg_op = 'INSERT' then
        insert into user_events (transaction, writer, occurred_at, type, user_id, group_id, actor_subject, actor_client)
        select now.*, 'MEMBER_ADDED', user_id, group_id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, after;
    elsif tg_op = 'UPDATE' then
        insert into user_events (transaction, writer, occurred_at, type, user_id, group_id, actor_subject, actor_client)
        select now.*, type, user_id, group_id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, (
            select 'MEMBER_REMOVED' as type, * from (table before except table after) removed
            union all
            select 'MEMBER_ADDED', * from (table after except table before) added
        ) members
        order by type desc;
    else
        insert into user_events (transaction, writer, occurred_at, type, user_id, group_id, actor_subject, actor_client)
        select now.*, 'MEMBER_REMOVED', user_id, group_id, subject, client
        from (select event_transaction(), pg_current_xact_id()::text::bigint, clock_timestamp() offset 0) now, before;
    end if;
    return null;
end $$;

create trigger group_members_created after insert on group_members
    referencing new table as after for each statement execute function append_member_events();
create trigger group_members_updated after update on group_members
    referencing old table as before new table as after for each statement execute function append_member_events();
create trigger group_members_deleted after delete on group_members
    referencing old table as before for each statement execute function append_member_events();

create trigger group_members_truncated before truncate on group_members
    for each statement execute function refuse_truncate();
