-- A small directory to try things with: Alice and Bob of the tutorial, and some colleagues.
insert into users (id, name, email, active, created_at, updated_at, version)
select uuidv7(), name, lower(split_part(name, ' ', 1)) || '@example.com', active, now(), now(), 0
from (values
    ('Alice', true), ('Bob', true)
) as people (name, active);
