-- Adding an era does not wait for a synchronous standby: all readers of the feed would wait for it, too, and no instance could
-- start. A failover may lose the row; cursors of that era then expire. A transaction that has written something else waits.
create or replace function feed_era() returns bigint language plpgsql as $$
declare
    this   feed_eras;
    newest feed_eras;
begin
    this.system_identifier := (select system_identifier from pg_control_system());
    this.timeline := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
    this.server_started := pg_postmaster_start_time();
    this.events := 'user_events'::regclass;
    for attempt in 1..2 loop
        select * into newest from feed_eras order by number desc limit 1;
        if (newest.system_identifier, newest.timeline, newest.server_started, newest.events)
                = (this.system_identifier, this.timeline, this.server_started, this.events) then
            return newest.id;
        end if;
        -- Another session may be adding the row.
        lock table feed_eras in share row exclusive mode;
    end loop;

    this.began_after := newest.complete_to;
    if (newest.system_identifier, newest.events) = (this.system_identifier, this.events) then
        if newest.timeline = this.timeline then
            -- Recovery from a crash ends with a checkpoint, and so does a shutdown.
            this.began_after := (select checkpoint_lsn from pg_control_checkpoint());
        elsif has_function_privilege('pg_read_file(text, boolean)', 'execute') then
            this.began_after := coalesce(
                (regexp_match(
                    pg_read_file('pg_wal/' || upper(lpad(to_hex(this.timeline), 8, '0')) || '.history', true),
                    '(?n)^\s*' || newest.timeline || '\s+([0-9A-F]+/[0-9A-F]+)'))[1]::pg_lsn,
                this.began_after);
        end if;
    end if;
    if pg_current_xact_id_if_assigned() is null then
        perform set_config('synchronous_commit', 'local', true);
    end if;
    insert into feed_eras (system_identifier, timeline, server_started, events, began_after)
    values (this.system_identifier, this.timeline, this.server_started, this.events, coalesce(this.began_after, '0/0'))
    returning id into this.id;
    return this.id;
end $$;
