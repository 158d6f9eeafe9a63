-- The outcomes of mutations with an idempotency key, so that a retry gets the same answer. A row is written by the
-- transaction that makes the change.
create table idempotency_keys (
    -- The SHA-256 hash of the caller's subject and the key.
    id          text        not null,
    -- The SHA-256 hash of the field and its arguments.
    fingerprint text        not null,
    -- The global ID of the object that the outcome shows, if it shows one.
    object_id   text,
    -- The payload of the mutation. Null while the transaction runs.
    outcome     text,
    created_at  timestamptz not null,
    constraint idempotency_keys_pkey primary key (id)
);

create index idempotency_keys_created_at on idempotency_keys (created_at);
