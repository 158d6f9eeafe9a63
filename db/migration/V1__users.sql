create extension if not exists pg_trgm;

-- The lower-cased columns carry the uniqueness, the order and the search of the directory. Their
-- collation comes with PostgreSQL, not with the platform, so every image sorts alike: lower-cased one
-- code point at a time (which keeps a substring a substring), compared by code point.
create table users (
    id          uuid        not null,
    name        text        not null,
    email       text        not null,
    active      boolean     not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    version     integer     not null,
    name_lower  text collate "pg_c_utf8" not null generated always as (lower(name collate "pg_c_utf8")) stored,
    email_lower text collate "pg_c_utf8" not null generated always as (lower(email collate "pg_c_utf8")) stored,
    constraint users_pkey primary key (id),
    constraint users_email_lower_key unique (email_lower)
);

-- One index for each UserOrderField; EMAIL has its unique key.
create index users_created_at_id_idx on users (created_at, id);
create index users_name_lower_id_idx on users (name_lower, id);

-- UserFilter.search. Neither a name nor an address holds a line feed, so no match spans the two.
create index users_name_lower_email_lower_idx on users using gin ((name_lower || e'\n' || email_lower) gin_trgm_ops);
