-- A million users, 10,000 groups and three million memberships, the same on every run: to see how it holds up.
begin;
set local maintenance_work_mem = '256MB';
set local seed = 0.5;

-- Nobody created these one by one, so no trigger is to tell of it.
alter table users disable trigger user;
alter table groups disable trigger user;
alter table group_members disable trigger user;

-- What the rows are checked against and found by is made at the end, in a fraction of the time that it takes to keep
-- it up row by row.
create temporary table set_aside on commit drop as
select
    format('alter table %s drop constraint %I', conrelid::regclass, conname) as remove,
    format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as restore
from pg_constraint
where conrelid in ('users'::regclass, 'groups'::regclass, 'group_members'::regclass)
  and (contype in ('u', 'f') or contype = 'p' and conrelid = 'group_members'::regclass)
union all
select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
from pg_index
where indrelid in ('users'::regclass, 'groups'::regclass, 'group_members'::regclass)
  and not exists (select from pg_constraint where conindid = indexrelid);

do $$
declare
    statement text;
begin
    for statement in select remove from set_aside loop
        execute statement;
    end loop;
end $$;

-- Five users share each instant. IDs are of version 7 and rise with time, as the service makes them.
insert into users (id, name, email, active, created_at, updated_at, version)
select
    (lpad(to_hex((date_part('epoch', created_at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
    first || ' ' || last,
    translate(lower(first || '.' || replace(last, ' ', '')), 'áãäåçéèëíïñóöøúüÿłśžß’', 'aaaaceeeiinooouuylszs')
        || n || '@' || domain,
    active, created_at, created_at, 0
from (
    select
        n,
        -- The first of the words are much more common than the last, as names are.
        first_names[1 + floor(cardinality(first_names) * random() ^ 2)::integer] as first,
        last_names[1 + floor(cardinality(last_names) * random() ^ 2)::integer] as last,
        (array['example.com', 'example.org', 'example.net'])[1 + floor(3 * random() ^ 2)::integer] as domain,
        random() > 0.03 as active,
        timestamptz '2016-01-01 00:00Z' + (n - 1) / 5 * interval '25 minutes' as created_at
    from generate_series(1, 1000000) as n, (values (
        string_to_array('Maria,James,Anna,Wei,Mohammed,Sofia,David,Fatima,Carlos,Yuki,Elena,John,Priya,Lukas,Emma,Ali,'
            'Olga,Daniel,Nina,Ahmed,Laura,Ivan,Chloé,Peter,Aisha,Marco,Julia,Kenji,Sara,Thomas,Mei,Pedro,Hannah,Omar,'
            'Eva,Raj,Camille,Paul,Ingrid,Minh,Zoë,Lars,Amina,Jorge,Katarzyna,Sven,Leila,André,Freya,Kofi,Lucía,Jan,'
            'Noor,René,Astrid,Tariq,Beatriz,Søren,Yasmin,Hugo,Małgorzata,Björn,Thandiwe,Łukasz,Imani,Jürgen,Siobhan,'
            'Xavier,Zuzana,Quentin', ','),
        string_to_array('Garcia,Smith,Wang,Müller,Kumar,Silva,Nguyen,Kim,Johnson,Ivanova,Tanaka,Martin,Ali,Rossi,'
            'Andersson,Novák,Okafor,Brown,López,Schmidt,Dubois,Hassan,Jones,Kowalski,Fernández,Li,Williams,Sato,Santos,'
            'Weber,Jensen,Popescu,Mensah,Taylor,Petrov,Haddad,Bernard,Hernández,Suzuki,Davies,Meyer,Costa,Nowak,'
            'Eriksen,Murphy,Khan,Moreau,Horvat,Park,Wilson,Fischer,Öztürk,Mbeki,Laurent,Virtanen,de la Cruz,Núñez,'
            'Szabó,O’Brien,Becker,Yıldız,Lindqvist,Adeyemi,Kjær,van den Berg,Sørensen,Björnsdóttir,Wójcik,'
            'Papadopoulos,Strauß,Featherstonehaugh,Quispe,Zhou,Ødegård,Xiang,Yoshikawa', ',')
    )) as words (first_names, last_names)
) as people;

insert into groups (id, name, description, created_at, updated_at, version)
select
    (lpad(to_hex((date_part('epoch', created_at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
    name, name || ', since ' || extract(year from created_at), created_at, created_at, 0
from (
    select n, name, timestamptz '2016-01-01 00:00Z' + n * interval '8 hours' as created_at
    from (
        select row_number() over (order by random()) as n, concat_ws(' ', city, trade, circle) as name
        from
            unnest(string_to_array('Accra,Berlin,Bogotá,Chennai,Dublin,Gdańsk,Hanoi,Istanbul,Kyoto,Lagos,Lyon,Malmö,'
                'Nairobi,Osaka,Porto,Prague,Quito,São Paulo,Toronto,Zürich', ',')) as city,
            unnest(string_to_array('Accounting,Archive,Billing,Catering,Data,Design,Editorial,Engineering,Facilities,'
                'Fleet,Growth,Harbour,Identity,Insurance,Kitchen,Legal,Logistics,Marketing,Media,Network,Payments,'
                'People,Privacy,Quality,Research,Safety,Sales,Search,Security,Storage,Support,Training,Travel,'
                'Treasury,Warehouse,Web,Wellbeing,Workshop,Youth,Zoology', ',')) as trade,
            unnest(string_to_array('team,leads,on call,newcomers,alumni,volunteers,crew,board,friends,guild,chorus,'
                'readers,runners', ',')) as circle
    ) as named
    where n <= 10000
) as dated;

-- One to five groups for each user, each from another fifth of the groups: the earlier a group, the more members.
insert into group_members (group_id, user_id, joined_at)
select
    group_ids[place + 5 * floor(2000 * random() ^ 2.5)::integer],
    id,
    created_at + floor(1000 * random()) * interval '1 hour'
from users
cross join lateral generate_series(1, 1 + abs(hashtext(email)) % 5) as place
cross join (select array_agg(id order by id) as group_ids from groups) as groups;

do $$
declare
    statement text;
begin
    for statement in select restore from set_aside loop
        execute statement;
    end loop;
end $$;

update user_count set users = users + 1000000;

alter table users enable trigger user;
alter table groups enable trigger user;
alter table group_members enable trigger user;

analyze users, groups, group_members;
commit;
