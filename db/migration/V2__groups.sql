create table groups (
    id          uuid        not null,
    name        text        not null,
    description text,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    version     integer     not null,
    name_lower  text collate "pg_c_utf8" not null generated always as (lower(name collate "pg_c_utf8")) stored,
    constraint groups_pkey primary key (id)
);

create index groups_name_lower_id_idx on groups (name_lower, id);
create index groups_name_lower_idx on groups using gin (name_lower gin_trgm_ops);

create table group_members (
    group_id  uuid        not null,
    user_id   uuid        not null,
    joined_at timestamptz not null,
    constraint group_members_pkey primary key (group_id, user_id),
    constraint group_members_group_id_fkey foreign key (group_id) references groups on delete cascade,
    constraint group_members_user_id_fkey foreign key (user_id) references users on delete cascade
);

-- Group.members is read in joining order; User.groups by user.
create index group_members_group_id_joined_at_user_id_idx on group_members (group_id, joined_at, user_id);
create index group_members_user_id_idx on group_members (user_id);
