package dev.userdirectory.group;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/** Deletions that would exceed the deadline of a request. */
@DirectoryTest
class LargeDeletionsTest {
    private final Client client;
    private final Directory directory;
    /** Its connections have no timeouts, unlike those of the pool. */
    private final JdbcTemplate jdbc;

    @Autowired
    LargeDeletionsTest(Client client, Directory directory, JdbcConnectionDetails postgres) {
        this.client = client;
        this.directory = directory;
        jdbc = new JdbcTemplate(new DriverManagerDataSource(
                postgres.getJdbcUrl(),
                Objects.requireNonNull(postgres.getUsername()),
                Objects.requireNonNull(postgres.getPassword())));
    }

    @Test
    void rejectsDeletionOfAGroupWithTooManyMembers() {
        String group = directory.createGroup("Large", List.of());
        withoutTriggers("""
                insert into users (id, name, email, active, created_at, updated_at, version)
                select uuidv7(), 'A', 'large' || i || '@large.example.com', true, now(), now(), 0
                from generate_series(1, 50001) i;
                insert into group_members
                select g.id, u.id, now() from groups g, users u
                where g.name = 'Large' and u.email like '%@large.example.com'
                """);

        assertThat(Directory.refusals(client.data(
                                "mutation ($id: ID!) { deleteGroup(id: $id) { errors { path code } } }",
                                Map.of("id", group))
                        .get("deleteGroup")))
                .containsExactly("id INVALID");
    }

    @Test
    void rejectsDeletionOfUsersWithTooManyMemberships() {
        String user = directory.createUser();
        directory.createGroup("Large", List.of(user));
        withoutTriggers("""
                insert into groups (id, name, created_at, updated_at, version)
                select uuidv7(), 'Large ' || i, now(), now(), 0 from generate_series(1, 50000) i;
                insert into group_members
                select id, (select user_id from group_members join groups on groups.id = group_id where name = 'Large'), now()
                from groups where name like 'Large %'
                """);

        assertThat(Directory.refusals(client.data(
                                "mutation ($id: ID!) { deleteUser(id: $id) { errors { path code } } }",
                                Map.of("id", user))
                        .get("deleteUser")))
                .containsExactly("id INVALID");
        assertThat(Directory.refusals(client.data(
                                "mutation ($ids: [ID!]!) { deleteUsers(ids: $ids) { errors { path code } } }",
                                Map.of("ids", List.of(user, directory.createUser())))
                        .get("deleteUsers")))
                .containsExactly("ids INVALID");
    }

    @AfterEach
    void empty() {
        withoutTriggers("""
                delete from groups where name like 'Large%';
                delete from users where email like '%@large.example.com'
                """);
    }

    /** The tests share an event log, which would become large. */
    private void withoutTriggers(String sql) {
        for (String table : List.of("users", "groups", "group_members")) {
            jdbc.execute("alter table " + table + " disable trigger user");
        }
        try {
            jdbc.execute(sql);
        } finally {
            for (String table : List.of("users", "groups", "group_members")) {
                jdbc.execute("alter table " + table + " enable trigger user");
            }
        }
    }
}
