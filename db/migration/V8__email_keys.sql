-- From here on writers wait until this has committed. Readers do not.
lock table users in share row exclusive mode;

-- Nothing changes that a subscriber could see.
alter table users disable trigger users_updated;

update users
set folded = folded(name || e'\n' || email)
where folded(name || e'\n' || email) collate "pg_c_utf8" <> lower(name || e'\n' || email collate "pg_c_utf8");

create index users_folded_idx on users using gin (folded gin_trgm_ops) where folded is not null;

-- Accounts whose addresses read alike are numbered and reported, by ID, and stay as they are. An address whose key is
-- its lower case has that for itself already, so every such group has an unusual one.
create temporary table alike on commit drop as
with unusual as materialized (
    select id, created_at, email_key(email) collate "pg_c_utf8" as key
    from users
    where email_key(email) collate "pg_c_utf8" <> email_lower
)
select id, key, row_number() over (partition by key order by created_at, id) - 1 as twin
from (
    select * from unusual
    union all
    select id, created_at, email_lower
    from users
    where email_lower in (select key from unusual) and id not in (select id from unusual)
) as candidates;

update users set email_twin = alike.twin from alike where users.id = alike.id and alike.twin > 0;

alter table users enable trigger users_updated;

do $$
declare
    reported record;
begin
    for reported in
        select string_agg(id::text, ', ' order by twin) as ids from alike group by key having count(*) > 1 order by key limit 100
    loop
        raise warning 'The e-mail addresses of these users read alike: %', reported.ids;
    end loop;
    if found then
        raise warning 'Accounts that share an address: %. To list them: select * from users where email_twin > 0',
            (select count(*) from users where email_twin > 0);
    end if;
end $$;

create unique index users_email_key_email_twin_key on users (email_key(email collate "pg_c_utf8"), email_twin);

-- An address stays taken until the last account that has it gives it up.
create function promote_email_twin() returns trigger language plpgsql as $$
begin
    update users set email_twin = 0
    where id = (
        select id
        from users
        where email_key(email collate "pg_c_utf8") = email_key(old.email collate "pg_c_utf8") and email_twin > 0
        order by email_twin
        limit 1
    );
    return null;
end $$;

create trigger users_email_deleted after delete on users for each row
when (old.email_twin = 0)
execute function promote_email_twin();

create trigger users_email_changed after update of email on users for each row
when (old.email_twin = 0 and email_key(old.email collate "pg_c_utf8") <> email_key(new.email collate "pg_c_utf8"))
execute function promote_email_twin();

create function end_email_twin() returns trigger language plpgsql as $$
begin
    new.email_twin := 0;
    return new;
end $$;

create trigger users_email_twin_ended before update of email on users for each row
when (old.email_twin > 0 and email_key(old.email collate "pg_c_utf8") <> email_key(new.email collate "pg_c_utf8"))
execute function end_email_twin();

analyze users;
