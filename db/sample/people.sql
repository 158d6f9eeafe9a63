-- A small directory to try things with: Alice, Bob, some colleagues, and their groups.
-- A directory that has users is left as it is. The IDs are the same in every directory, so that examples can name them.
do $$
begin
lock table users in share row exclusive mode;
if exists (select from users) then
    return;
end if;

insert into users (id, name, email, active, created_at, updated_at, version)
select (lpad(to_hex((extract(epoch from created_at) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(row_number() over ()), 3, '0') || '8' || repeat('0', 15))::uuid,
    name, email || '@example.com', active, created_at, created_at, 0
from (values
    ('Alice', 'alice', true, timestamptz '2024-03-04 09:00Z'),
    ('Bob', 'bob', true, '2024-03-04 09:00Z'),
    ('Dana Whitfield', 'dana.whitfield', true, '2024-03-11 08:15Z'),
    ('Émile Fournier', 'emile.fournier', true, '2024-03-11 08:15Z'),
    ('Zoë Müller', 'zoe.mueller', true, '2024-03-18 10:30Z'),
    ('Søren Kjær', 'soren.kjaer', true, '2024-04-02 07:45Z'),
    ('Łukasz Wójcik', 'lukasz.wojcik', true, '2024-04-02 07:45Z'),
    ('Ana María Núñez', 'ana.nunez', true, '2024-04-15 12:00Z'),
    ('Niamh O’Connor', 'niamh.oconnor', true, '2024-05-06 09:00Z'),
    ('Grace Okafor', 'grace.okafor', true, '2024-05-06 09:00Z'),
    ('Jean-Luc de la Tour', 'jeanluc.delatour', false, '2024-05-13 13:20Z'),
    ('Ольга Смирнова', 'olga.smirnova', true, '2024-05-21 06:40Z'),
    ('Γιώργος Παπαδόπουλος', 'giorgos.papadopoulos', true, '2024-06-03 08:00Z'),
    ('山田太郎', 'taro.yamada', true, '2024-06-10 01:10Z'),
    ('Nguyễn Thị Hoa', 'hoa.nguyen', true, '2024-06-10 02:30Z'),
    ('Priya Sharma', 'priya.sharma', true, '2024-06-24 05:00Z'),
    ('अर्जुन मेहता', 'arjun.mehta', true, '2024-06-24 05:00Z'),
    ('Maria Garcia', 'maria.garcia', true, '2024-07-01 09:30Z'),
    ('Maria Garcia', 'maria.garcia.2', true, '2024-07-08 09:30Z'),
    ('Tomáš Dvořák', 'tomas.dvorak', false, '2024-07-15 07:00Z'),
    ('Şebnem Yılmaz', 'sebnem.yilmaz', true, '2024-08-05 06:15Z'),
    ('محمد علي', 'mohamed.ali', true, '2024-08-12 07:50Z'),
    ('שרה כהן', 'sarah.cohen', true, '2024-08-12 07:55Z'),
    ('김민준', 'minjun.kim', true, '2024-09-02 00:30Z'),
    ('王小明', 'xiaoming.wang', true, '2024-09-02 01:00Z'),
    ('Björk Jónsdóttir', 'bjork.jonsdottir', true, '2024-09-16 10:00Z'),
    ('Henri van den Berg', 'henri.vandenberg', true, '2024-10-01 08:00Z'),
    ('Oluwaseun Adeyemi', 'oluwaseun.adeyemi', true, '2024-10-07 08:45Z'),
    ('Chloé Bélanger', 'chloe.belanger', true, '2024-10-21 14:00Z'),
    ('Samir Haddad', 'samir.haddad', false, '2024-11-04 09:00Z'),
    ('Ingrid Åkesson', 'ingrid.akesson', true, '2024-11-04 09:00Z'),
    ('Robin 🦊', 'robin.fox', true, '2024-11-18 16:20Z'),
    ('Peter Novak', 'peter.novak', true, '2025-01-13 08:00Z'),
    ('Lucía Fernández', 'lucia.fernandez', true, '2025-01-13 08:00Z'),
    ('Kwame Mensah', 'kwame.mensah', true, '2025-02-03 09:10Z'),
    ('Fatima Zahra El Idrissi', 'fatima.elidrissi', true, '2025-02-17 10:00Z'),
    ('Bob', 'bob.ross', false, '2025-03-03 11:00Z'),
    ('Yuki Tanaka', 'yuki.tanaka', true, '2025-03-10 00:45Z')
) as people (name, email, active, created_at);

insert into groups (id, name, description, created_at, updated_at, version)
select (lpad(to_hex((extract(epoch from created_at) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(row_number() over ()), 3, '0') || '8' || repeat('0', 15))::uuid,
    name, description, created_at, created_at, 0
from (values
    ('Engineering', 'Builds the product and keeps it running.', timestamptz '2024-03-04 09:30Z'),
    ('Design', 'What it looks like, and why.', '2024-03-18 11:00Z'),
    ('On call', 'Wakes up when something breaks.', '2024-05-06 10:00Z'),
    ('Book club', 'One book a month; the next is chosen by whoever joined last.', '2024-07-01 17:00Z'),
    ('Café du vendredi', null, '2024-10-25 15:00Z'),
    ('Archive', 'Kept for its name. Nobody is in it.', '2025-01-02 09:00Z')
) as named (name, description, created_at);

-- Members join in the order in which they stand here, a day apart: neither that of names nor that of age.
insert into group_members (group_id, user_id, joined_at)
select groups.id, users.id, groups.created_at + (n - 1) * interval '1 day'
from (values
    ('Engineering', array['bob', 'alice', 'soren.kjaer', 'lukasz.wojcik', 'dana.whitfield', 'olga.smirnova',
        'taro.yamada', 'priya.sharma', 'arjun.mehta', 'maria.garcia', 'tomas.dvorak', 'minjun.kim', 'xiaoming.wang',
        'henri.vandenberg', 'oluwaseun.adeyemi', 'hoa.nguyen', 'samir.haddad', 'peter.novak', 'kwame.mensah',
        'giorgos.papadopoulos', 'sebnem.yilmaz', 'yuki.tanaka']),
    ('Design', array['zoe.mueller', 'emile.fournier', 'ana.nunez', 'chloe.belanger', 'robin.fox', 'bjork.jonsdottir']),
    ('On call', array['olga.smirnova', 'bob', 'minjun.kim', 'kwame.mensah']),
    ('Book club', array['niamh.oconnor', 'zoe.mueller', 'alice', 'maria.garcia.2', 'sarah.cohen', 'grace.okafor', 'bob']),
    ('Café du vendredi', array['chloe.belanger', 'emile.fournier', 'jeanluc.delatour', 'alice'])
) as joined (group_name, emails)
join groups on groups.name = group_name
cross join unnest(emails) with ordinality as members (email, n)
join users on users.email = members.email || '@example.com';

end;
$$;
