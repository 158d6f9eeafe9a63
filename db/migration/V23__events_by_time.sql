-- Writers wait while PostgreSQL reads the log once. Readers do not.
set local lock_timeout = '10s';

create index user_events_occurred_at_transaction_sequence_idx on user_events (occurred_at, transaction, sequence);

-- The same as before, but read from that time on, so it does not matter how much happened just before it. The order of the
-- feed hardly ever differs from the order of times by more than a minute, so a minute of events is compared.
create or replace function feed_since(
    since timestamptz, out event_transaction bigint, out event_sequence bigint
) language plpgsql as $$
declare
    tolerance constant interval := '1 minute';
    settled   constant bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    oldest    timestamptz;
    earliest  timestamptz;
    event     record;
begin
    select occurred_at into oldest from user_events where transaction < settled order by transaction, sequence limit 1;
    if (oldest is null or since < oldest + tolerance)
            and (exists (select from trimmed_events) or exists (select from trimmed_group_events)) then
        return;
    end if;
    select occurred_at into earliest from user_events
    where occurred_at >= since and transaction < settled
    order by occurred_at limit 1;

    -- `offset 0` keeps PostgreSQL from walking the feed in its order.
    select transaction, sequence into event from (
        select transaction, sequence from user_events
        where occurred_at between earliest and earliest + tolerance and transaction < settled
        offset 0
    ) soon
    order by transaction, sequence limit 1;
    select transaction, sequence into event_transaction, event_sequence from user_events
    where (transaction, sequence) < (coalesce(event.transaction, settled), coalesce(event.sequence, 0))
    order by transaction desc, sequence desc limit 1;
    event_transaction := coalesce(event_transaction, 0);
    event_sequence := coalesce(event_sequence, 0);
end $$;
