-- Lower case keeps texts apart that read alike: ς and σ, µ and μ, ſ and s, é as one character and as two. These
-- functions fold such differences. What they depend on comes with PostgreSQL and not with the platform.

-- A substring of a text stays one, except where it ends between a letter and its accent.
create function folded(text) returns text language sql immutable parallel safe
return case
    when octet_length($1) = length($1) then lower($1 collate "pg_c_utf8")
    else normalize(casefold(lower(normalize($1) collate "pg_c_utf8") collate "pg_c_utf8"))
end;

-- Without Default_Ignorable_Code_Points, which nobody sees.
create function without_ignorables(text) returns text language sql immutable parallel safe
return regexp_replace(
    $1,
    '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164'
        '\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]',
    '',
    'g');

-- RFC 3492, without the prefix. Null if it is not Punycode.
create function punycode_decoded(text) returns text language plpgsql immutable strict parallel safe as $$
declare
    digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
    code constant text := lower(substring($1 from '[^-]*$') collate "pg_c_utf8");
    result text := coalesce(substring($1 from '^(.*)-[^-]*$'), '');
    code_point bigint := 128;
    bias integer := 72;
    i bigint := 0;
    old_i bigint;
    weight bigint;
    threshold integer;
    k integer;
    digit integer;
    delta bigint;
    at integer := 1;
begin
    -- A label of a host's name has at most 63 characters.
    if length($1) > 59 then
        return null;
    end if;
    while at <= length(code) loop
        old_i := i;
        weight := 1;
        k := 36;
        loop
            digit := strpos(digits, substr(code, at, 1)) - 1;
            if at > length(code) or digit < 0 then
                return null;
            end if;
            at := at + 1;
            i := i + digit * weight;
            if i > 1114112 * 64 then
                return null;
            end if;
            threshold := least(greatest(k - bias, 1), 26);
            exit when digit < threshold;
            -- No digit but 0 can follow one of so much weight.
            weight := least(weight * (36 - threshold), 1000000000);
            k := k + 36;
        end loop;
        delta := case when old_i = 0 then i / 700 else (i - old_i) / 2 end;
        delta := delta + delta / (length(result) + 1);
        k := 0;
        while delta > 455 loop
            delta := delta / 35;
            k := k + 36;
        end loop;
        bias := k + 36 * delta / (delta + 38);
        code_point := code_point + i / (length(result) + 1);
        i := i % (length(result) + 1);
        if code_point > 1114111 or code_point between 55296 and 57343 then
            return null;
        end if;
        result := overlay(result placing chr(code_point::integer) from i::integer + 1 for 0);
        i := i + 1;
    end loop;
    return result;
end $$;

-- What UTS 46 maps to one host has one key, Punycode too; and so has what differs only by case. An iota below a letter
-- is the one case for which UTS 46 needs more than PostgreSQL's folding.
create function host_key(text) returns text language sql immutable parallel safe
return (
    select string_agg(
        normalize(
            folded(normalize(
                replace(
                    normalize(
                        without_ignorables(
                            case
                                when starts_with(lower(label collate "pg_c_utf8"), 'xn--')
                                    then coalesce(punycode_decoded(substr(label, 5)), label)
                                else label
                            end),
                        nfkd),
                    u&'\0345', u&'\03B9'),
                nfkc)),
            nfkc),
        '.' order by n)
    from unnest(string_to_array(translate(normalize(without_ignorables($1), nfkc), '。', '.'), '.'))
        with ordinality as labels (label, n)
);

-- An i that has a second dot above reads like any other. A function with a setting is never inlined: every insert would
-- try to, since an index calls it.
create function unicode_email_key(text) returns text language sql immutable strict parallel safe
set search_path = pg_catalog
return replace(
    folded(without_ignorables(substring($1 from '^(.*)@'))) || '@' || host_key(substring($1 from '@([^@]*)$')),
    u&'i\0307', 'i');

-- Addresses with the same key read alike. Those with the same lower case have the same key.
create function email_key(text) returns text language sql immutable parallel safe
return case
    when octet_length($1) = length($1) and strpos(lower($1 collate "pg_c_utf8"), 'xn--') = 0
        then lower($1 collate "pg_c_utf8")
    else coalesce(unicode_email_key($1), lower($1 collate "pg_c_utf8"))
end;

-- What `groups(search)` looks through, where folding a name does more than lower-casing it: for most it does not.
alter table groups add column folded text collate "pg_c_utf8" generated always as (
    nullif(folded(name) collate "pg_c_utf8", lower(name collate "pg_c_utf8"))) stored;

create index groups_folded_idx on groups using gin (folded gin_trgm_ops) where folded is not null;

-- The same for UserFilter.search. This one is not generated: that would rewrite the table, and nobody could read it
-- meanwhile.
alter table users add column folded text collate "pg_c_utf8";

-- Which of the accounts this is that had one key before keys were unique: 0 for the first, and for all others.
alter table users add column email_twin integer not null default 0;

create function fold_user() returns trigger language plpgsql as $$
begin
    new.folded := nullif(
        folded(new.name || e'\n' || new.email) collate "pg_c_utf8",
        lower(new.name || e'\n' || new.email collate "pg_c_utf8"));
    return new;
end $$;

-- ASCII has nothing to fold, which costs less to find out here than in the function.
create trigger users_folded before insert or update of name, email on users for each row
when (new.folded is not null or octet_length(new.name || new.email) > length(new.name || new.email))
execute function fold_user();

-- A changed ID is a deletion and a creation.
create or replace function append_user_events() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into user_events (type, user_id) select 'CREATED', id from after;
    elsif tg_op = 'UPDATE' then
        insert into user_events (type, user_id)
        select case when after.id is null then 'DELETED' when before.id is null then 'CREATED' else 'UPDATED' end, id
        from before full join after using (id)
        where after is distinct from before
        order by after.id is not null;
    else
        insert into user_events (type, user_id) select 'DELETED', id from before;
    end if;
    return null;
end $$;
