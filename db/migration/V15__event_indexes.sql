-- Group.history, and events with groupId. Writers wait while PostgreSQL reads the log once. Readers do not.
create index user_events_group_id_transaction_sequence_idx on user_events (group_id, transaction, sequence)
    where group_id is not null;

-- userEvents, which would have to skip the events of groups and memberships otherwise.
create index user_events_transaction_sequence_idx on user_events (transaction, sequence) where group_id is null;
