-- Whichever program writes, triggers must find the directory's tables: a temporary table of the same name would come first,
-- and postgres_fdw and the scripts of pg_dump search no schema but PostgreSQL's own. A migration that replaces one of these
-- functions must set its search path again.
do $$
declare
    name text;
begin
    foreach name in array array[
        'append_user_events', 'append_group_events', 'append_member_events', 'note_trimmed_events', 'refuse_truncate',
        'track_users_without_memberships', 'track_ungrouped_users', 'fold_user', 'promote_email_twin', 'end_email_twin',
        'late_transaction'
    ] loop
        execute format('alter function %I.%I() set search_path = %1$I, pg_temp', current_schema(), name);
    end loop;
end $$;
