package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres;
import java.sql.Connection;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;

/** Whatever another program's session contains, its writes have events. */
@DirectoryTest
class SearchPathTest {
    @Autowired
    JdbcTemplate jdbc;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create temp table user_events as select * from public.user_events where false",
                "create temp table group_members as select * from public.group_members where false",
                "create temp table users as select * from public.users where false",
                "create temp table ungrouped_users as select * from public.ungrouped_users where false",
                "set search_path = ''",
                "set search_path = ''; set transaction isolation level repeatable read"
            })
    void appendsEventsWhateverTheSearchPath(String before) throws Exception {
        UUID user = UUID.randomUUID();
        UUID group = UUID.randomUUID();
        try (Connection connection = TestPostgres.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(before);
            statement.execute(
                    "insert into public.users (id, name, email, active, created_at, updated_at, version) values ('"
                            + user + "', 'Jörg', '" + Directory.newEmail() + "', true, now(), now(), 0)");
            statement.execute("insert into public.groups (id, name, created_at, updated_at, version) values ('" + group
                    + "', 'Group', now(), now(), 0)");
            statement.execute("insert into public.group_members (group_id, user_id, joined_at) values ('" + group
                    + "', '" + user + "', now())");
            statement.execute("delete from public.group_members where user_id = '" + user + "'");
            statement.execute("update public.users set email = '" + Directory.newEmail()
                    + "', active = false where id = '" + user + "'");
            connection.commit();
        }

        assertThat(jdbc.queryForList(
                        "select type from user_events where user_id = ? order by transaction, sequence",
                        String.class,
                        user))
                .containsExactly("CREATED", "MEMBER_ADDED", "MEMBER_REMOVED", "UPDATED");
        assertThat(jdbc.queryForList("select user_id from ungrouped_users where user_id = ?", UUID.class, user))
                .hasSize(1);
    }

    /** A migration that replaces a function removes its search path. */
    @Test
    void everyTriggerHasItsSearchPath() {
        assertThat(jdbc.queryForList("""
                select distinct p.proname
                from pg_trigger t
                join pg_proc p on p.oid = t.tgfoid
                where not t.tgisinternal
                    and p.pronamespace = 'public'::regnamespace
                    and coalesce(array_to_string(p.proconfig, ' '), '') <> 'search_path=public, pg_temp'
                """, String.class)).isEmpty();
    }
}
