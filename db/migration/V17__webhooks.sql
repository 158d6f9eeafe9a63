-- Up to where each webhook has received the feed: the cursor of the last event that it has accepted, or that is not of its
-- types. The name is that of the configuration.
create table webhooks (
    name   text not null,
    cursor text not null,
    constraint webhooks_pkey primary key (name)
);
