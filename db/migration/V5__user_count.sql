-- How many users there are, without counting them, and without a row that writers would wait for: a snapshot sees as many
-- as this row says, and what its events from that transaction on have added. What came before had ended by then.
create table user_count (
    one_row     boolean not null default true,
    transaction bigint  not null,
    users       bigint  not null,
    constraint user_count_pkey primary key (one_row),
    constraint user_count_one_row_check check (one_row)
);

insert into user_count (transaction, users)
select start, (select count(*) from users) - (
    select count(*) filter (where type = 'CREATED') - count(*) filter (where type = 'DELETED')
    from user_events
    where transaction >= start
)
from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as start) as counted;

analyze user_count;

create function refuse_truncate() returns trigger language plpgsql as $$
begin
    raise exception 'Delete users instead of truncating them: each deletion is to have its event'
        using errcode = 'feature_not_supported';
end $$;

create trigger users_truncated before truncate on users for each statement execute function refuse_truncate();
