-- While this waits for its locks, all writers wait behind it. So it gives up soon, and can be run again. Once it has them,
-- writers wait until the indexes are built. Readers do not.
set local lock_timeout = '10s';
lock table users, groups, group_members in share row exclusive mode;

-- UserOrderField.UPDATED_AT and UserFilter.updatedAt.
create index users_updated_at_id_idx on users (updated_at, id);

-- UserFilter.emailDomain. Domains that read alike have the same key, as addresses do.
create function email_domain_key(text) returns text language sql immutable parallel safe
return split_part(email_key($1), '@', -1);

create index users_email_domain_key_idx on users (email_domain_key(email collate "pg_c_utf8"));

-- Query.groupByName. Names that differ only by case or accents' encoding have the same key.
create index groups_name_key_id_idx on groups (coalesce(folded, name_lower), id);

-- UserFilter.inNoGroup: all users who are in no group, and perhaps a few others, so whoever reads it checks them. No index
-- could tell who has no row in group_members.
create table ungrouped_users (
    user_id uuid not null,
    constraint ungrouped_users_pkey primary key (user_id)
);

insert into ungrouped_users
select id from users u where not exists (select from group_members m where m.user_id = u.id);

-- Rows are locked in the order of users, so that two transactions cannot wait for each other.
create function track_users_without_memberships() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into ungrouped_users select id from after order by id on conflict do nothing;
    elsif tg_op = 'DELETE' then
        delete from ungrouped_users where user_id in (
            select user_id from ungrouped_users where user_id in (select id from before) order by user_id for update);
    else
        update ungrouped_users set user_id = new.id where user_id = old.id;
    end if;
    return null;
end $$;

-- A membership that another transaction is ending does not count, and one that counts is locked until this transaction has
-- ended. So if two transactions end the last two memberships of a user, one of them sees that it was the last.
create function track_ungrouped_users() returns trigger language plpgsql as $$
begin
    if tg_op <> 'DELETE' then
        delete from ungrouped_users where user_id in (
            select user_id from ungrouped_users where user_id in (select user_id from after) order by user_id for update);
    end if;
    if tg_op <> 'INSERT' then
        insert into ungrouped_users
        select user_id
        from (select distinct user_id from before) ended
        where exists (select from users where id = user_id)
            and not exists (
                select from group_members m where m.user_id = ended.user_id limit 1 for key share skip locked)
        order by user_id
        on conflict do nothing;
    end if;
    return null;
end $$;

create trigger users_created_ungrouped after insert on users
    referencing new table as after for each statement execute function track_users_without_memberships();
create trigger users_updated_ungrouped after update of id on users
    for each row when (old.id <> new.id) execute function track_users_without_memberships();
create trigger users_deleted_ungrouped after delete on users
    referencing old table as before for each statement execute function track_users_without_memberships();

create trigger group_members_created_ungrouped after insert on group_members
    referencing new table as after for each statement execute function track_ungrouped_users();
create trigger group_members_updated_ungrouped after update on group_members
    referencing old table as before new table as after for each statement execute function track_ungrouped_users();
create trigger group_members_deleted_ungrouped after delete on group_members
    referencing old table as before for each statement execute function track_ungrouped_users();

analyze users, groups, ungrouped_users;
