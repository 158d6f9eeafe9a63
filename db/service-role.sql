-- The rights of the role that the service runs as if another one owns and migrates the tables: to read and write rows, but not
-- to change tables, or the triggers that append events. The owner runs this once, before the first migration or after it. What
-- later migrations create is included.
grant usage on schema public to directory_service;
grant select, insert, update, delete on all tables in schema public to directory_service;
grant usage, select, update on all sequences in schema public to directory_service;
alter default privileges in schema public grant select, insert, update, delete on tables to directory_service;
alter default privileges in schema public grant usage, select, update on sequences to directory_service;
