-- The key that signs cursors: made once, here, so that every instance on this database shares it.
create table cursor_keys (
    key bytea not null,
    constraint cursor_keys_key_check check (octet_length(key) = 32)
);

insert into cursor_keys values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
