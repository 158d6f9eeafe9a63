package dev.userdirectory.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import dev.userdirectory.subscription.EventStreamClient;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The reader of the feed, which is given a way to the database of its own. */
@DirectoryTest
class UserEventFeedTest {
    private static final String READER = "application_name = 'around the pooler'";
    private static final String FEED =
            "subscription ($after: String!) { userEvents(after: $after) { type cursor userId } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @DynamicPropertySource
    static void ownWay(DynamicPropertyRegistry properties) {
        properties.add("directory.events.url", () -> {
            String url = new TestPostgres().jdbcConnectionDetails().getJdbcUrl();
            return url + (url.contains("?") ? "&" : "?") + "ApplicationName=around%20the%20pooler";
        });
    }

    @Test
    void listensWhereItIsTold() {
        await().untilAsserted(() -> assertThat(readers()).isEqualTo(1));
        assertThat(jdbc.queryForList("select query from pg_stat_activity where " + READER, String.class))
                .singleElement()
                .asString()
                .containsAnyOf("listen user_events", "user_events e");
    }

    /** As a replica that is promoted before it has received everything: the numbers of what it lacks are used again. */
    @Test
    void goesOnFromTheNewestEventThatIsLeft() throws Exception {
        String user = directory.createUser();
        String other = directory.createUser();
        String left = newestCursor();
        try (EventStreamClient live = follow(left)) {
            client.data(
                    "mutation ($id: ID!) { updateUser(id: $id, name: \"Lost\") { user { id } } }", Map.of("id", user));
            assertThat(live.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(user);
            await().untilAsserted(() -> assertThat(readers()).isEqualTo(1));

            jdbc.update("""
                    with lost as (
                        delete from user_events where sequence = (select max(sequence) from user_events)
                        returning transaction
                    )
                    insert into user_events (transaction, type, user_id)
                    select lost.transaction - 1, 'UPDATED', id
                    from lost, users
                    where id = (select user_id from user_events where type = 'CREATED' order by sequence desc limit 1)
                    """);
            jdbc.queryForList("select pg_terminate_backend(pid) from pg_stat_activity where " + READER);

            assertThat(live.expect("next")
                            .data()
                            .at("/errors/0/extensions/code")
                            .asString())
                    .isEqualTo("EVENTS_EXPIRED");
        }
        try (EventStreamClient again = follow(left)) {
            assertThat(again.expect("next").data().at("/data/userEvents/userId").asString())
                    .isEqualTo(other);
            directory.createUser();
            assertThat(again.expect("next").data().at("/data/userEvents/type").asString())
                    .isEqualTo("CREATED");
        }
    }

    private EventStreamClient follow(String after) throws Exception {
        return new EventStreamClient(
                client.uri("/graphql"), Tokens.withScopes("users:read"), FEED, Map.of("after", after), null);
    }

    private int readers() {
        Integer count = jdbc.queryForObject("select count(*) from pg_stat_activity where " + READER, Integer.class);
        return count == null ? 0 : count;
    }

    private String newestCursor() {
        return client.data("{ userEvents(first: 0) { newestCursor } }")
                .at("/userEvents/newestCursor")
                .asString();
    }
}
