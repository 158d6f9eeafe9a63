package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.database.AfterMigration;
import dev.userdirectory.subscription.SocketClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.test.context.TestPropertySource;

/** The service with no more than the rights that {@code db/service-role.sql} grants, on the tables of another role. */
@DirectoryTest
@Import(ServiceRoleTest.TwoRoles.class)
@TestPropertySource(
        properties = {
            "spring.flyway.enabled=false",
            "directory.events.trim-interval=100ms",
            "directory.events.retention=0s"
        })
class ServiceRoleTest {
    private static final String INSUFFICIENT_PRIVILEGE = "42501";
    private static final String ID = "mutation ($id: ID!) ";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    /** Uses the role of the service. */
    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    @Qualifier("owner")
    JdbcConnectionDetails owner;

    @TestConfiguration(proxyBeanMethods = false)
    static class TwoRoles {
        @Bean
        JdbcConnectionDetails owner(@Qualifier("jdbcConnectionDetails") JdbcConnectionDetails server)
                throws IOException {
            JdbcTemplate administrator = connect(server);
            administrator.execute("create role directory_owner login password 'owner'");
            administrator.execute("create role directory_service login password 'service'");
            administrator.execute("create database two_roles owner directory_owner");
            JdbcConnectionDetails owner = new TestPostgres.Server(
                    server.getJdbcUrl().replaceFirst("(//[^/]+/).*", "$1two_roles"), "directory_owner", "owner");
            connect(owner).execute(Files.readString(Path.of("db", "service-role.sql")));
            Migration.run(
                    "--spring.main.banner-mode=off",
                    "--logging.level.root=warn",
                    "--spring.datasource.url=" + owner.getJdbcUrl(),
                    "--spring.datasource.username=" + owner.getUsername(),
                    "--spring.datasource.password=" + owner.getPassword());
            return owner;
        }

        @Bean
        @Primary
        JdbcConnectionDetails service(@Qualifier("owner") JdbcConnectionDetails owner) {
            return new TestPostgres.Server(owner.getJdbcUrl(), "directory_service", "service");
        }
    }

    @Test
    void changesAndReadsUsersAndGroups() {
        List<String> users = directory.createUsers(3);
        Map<String, Object> user = Map.of("id", users.getFirst());
        client.data(ID + "{ updateUser(id: $id, name: \"Other\") { errors { code } } }", user);
        String group = directory.createGroup("Team", users);
        client.data(ID + "{ updateGroup(id: $id, name: \"Crew\") { errors { code } } }", Map.of("id", group));
        client.data(
                "mutation ($id: ID!, $users: [ID!]!) { removeGroupMembers(groupId: $id, userIds: $users) { errors { code } } }",
                Map.of("id", group, "users", users.subList(1, 2)));
        client.data(ID + "{ deleteUser(id: $id) { errors { code } } }", Map.of("id", users.getLast()));

        assertThat(directory.user(users.getFirst()).get("name").asString()).isEqualTo("Other");
        assertThat(directory.group(group).at("/members/nodes")).hasSize(1);
        assertThat(client.data(
                                "{ users(filter: {search: \"Other\"}) { totalCount nodes { groups { nodes { name } } } } }")
                        .findValuesAsString("name"))
                .contains("Crew");
        client.data(ID + "{ deleteGroup(id: $id) { errors { code } } }", Map.of("id", group));
    }

    @Test
    void followsAndTrimsTheFeed() throws Exception {
        try (SocketClient follower = SocketClient.connect(client.uri("/graphql"), Tokens.withScopes("users:read"))) {
            follower.subscribe("1", "subscription { userEvents { type userId } }", Map.of());
            follower.settle();
            String user = directory.createUser();
            assertThat(follower.expect("next")
                            .at("/payload/data/userEvents/userId")
                            .asString())
                    .isEqualTo(user);
        }
        directory.createUser();
        Waiting.until(() -> count("user_events") == 1);
        assertThat(client.data("{ userEvents(first: 10) { edges { node { type } } } }")
                        .at("/userEvents/edges"))
                .hasSize(1);
    }

    @Test
    void beginsAnotherEra() {
        int eras = count("feed_eras");
        connect(owner).update("update feed_eras set server_started = server_started - interval '1 hour'");

        Waiting.until(() -> count("feed_eras") > eras);
    }

    @Test
    void startsTheFeedAnewAfterRestore(@Autowired AfterMigration restored) {
        directory.createUser();
        connect(owner).update("update user_events set transaction = transaction + 1000000000");

        restored.run();

        assertThat(count("user_events")).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table others (id uuid)",
                "create function f() returns int return 1",
                "alter table users add column other text",
                "alter table users disable trigger users_created",
                "truncate user_events",
                "drop table users",
                "drop index users_name_lower_id_idx",
                "set session_replication_role = replica",
            })
    void changesNoTables(String statement) {
        assertThatThrownBy(() -> jdbc.execute(statement))
                .rootCause()
                .isInstanceOfSatisfying(
                        SQLException.class,
                        denied -> assertThat(denied.getSQLState()).isEqualTo(INSUFFICIENT_PRIVILEGE));
    }

    private int count(String table) {
        return jdbc.queryForList("select 1 from " + table).size();
    }

    private static JdbcTemplate connect(JdbcConnectionDetails role) {
        return new JdbcTemplate(new DriverManagerDataSource(role.getJdbcUrl(), role.getUsername(), role.getPassword()));
    }
}
