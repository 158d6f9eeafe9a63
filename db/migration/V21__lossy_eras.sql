set local lock_timeout = '10s';

-- Whether some instance had read events of earlier eras that this one lacks. After the restore of a copy of the data
-- directory, which looks like a restart, nobody else can know it. So the instance notes it here, for all of them.
alter table feed_eras add lossy boolean not null default false;

-- The number of the newest lossy era that the receiver knows of: it was told, or the webhook is newer.
alter table webhooks add told_of bigint not null default 0;
