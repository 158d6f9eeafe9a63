-- What happens to users, appended by triggers: in the transaction that does it, whatever program that runs in.
create table user_events (
    -- No transaction that began after one that had committed this event has an event before it; and none up to
    -- this number is still to come once all of them have ended. A transaction's own number would order by who
    -- wrote first, which need not be who committed first.
    transaction bigint      not null default greatest(
        pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1),
    sequence    bigint      not null generated always as identity,
    type        text        not null,
    user_id     uuid        not null,
    occurred_at timestamptz not null default clock_timestamp(),
    constraint user_events_pkey primary key (transaction, sequence),
    constraint user_events_type_check check (type in ('CREATED', 'UPDATED', 'DELETED'))
);

-- Subscription.userEvents(userId) after an old cursor.
create index user_events_user_id_transaction_sequence_idx on user_events (user_id, transaction, sequence);

create function append_user_events() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into user_events (type, user_id) select 'CREATED', id from after;
    elsif tg_op = 'UPDATE' then
        insert into user_events (type, user_id)
        select 'UPDATED', after.id from after join before using (id) where after is distinct from before;
    else
        insert into user_events (type, user_id) select 'DELETED', id from before;
    end if;
    return null;
end $$;

create trigger users_created after insert on users
    referencing new table as after for each statement execute function append_user_events();
create trigger users_updated after update on users
    referencing old table as before new table as after for each statement execute function append_user_events();
create trigger users_deleted after delete on users
    referencing old table as before for each statement execute function append_user_events();
