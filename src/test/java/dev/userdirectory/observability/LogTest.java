package dev.userdirectory.observability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Locks;
import dev.userdirectory.Tokens;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.logging.logback.StructuredLogEncoder;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The log as {@code logging.structured.format.console=ecs} writes it, with the service's own settings. */
@DirectoryTest
@TestPropertySource(properties = "directory.observability.slow-operation=0s")
class LogTest {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Logger ROOT = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private static final org.slf4j.Logger log = LoggerFactory.getLogger(LogTest.class);

    @Autowired
    private Client client;

    @Autowired
    private Environment environment;

    @Autowired
    private JdbcTemplate jdbc;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final OutputStreamAppender<ILoggingEvent> appender = new OutputStreamAppender<>();

    @BeforeEach
    void write() {
        LoggerContext context = ROOT.getLoggerContext();
        context.putObject(Environment.class.getName(), environment);
        StructuredLogEncoder encoder = new StructuredLogEncoder();
        encoder.setContext(context);
        encoder.setFormat("ecs");
        encoder.start();
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.setOutputStream(out);
        appender.start();
        ROOT.addAppender(appender);
    }

    @AfterEach
    void stop() {
        ROOT.detachAppender(appender);
        appender.stop();
    }

    @Test
    void logsSlowOperationWithoutItsValues() {
        String email = Directory.newEmail();
        String token = Tokens.withScopes("users:read");
        client.withToken(token)
                .send(HttpRequest.newBuilder(client.uri("/graphql"))
                        .header("Content-Type", "application/json")
                        .header("traceparent", "00-" + TRACE + "-00f067aa0ba902b7-01")
                        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(Map.of(
                                "query",
                                "query Slow($email: String!) { userByEmail(email: $email) { name } }",
                                "variables",
                                Map.of("email", email)))))
                        .build());

        assertThat(events())
                .filteredOn(event ->
                        event.at("/graphql/operation/name").asString("").equals("Slow"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.path("trace.id").asString(""))
                            .as(event.toString())
                            .isEqualTo(TRACE);
                    assertThat(event.at("/graphql/document/hash").asString("")).hasSize(64);
                    assertThat(event.at("/event/duration").asLong(0)).isPositive();
                    assertThat(event.at("/log/level").asString("")).isEqualTo("WARN");
                });
        assertThat(text()).doesNotContain(email, token);
    }

    @Test
    void operationsWithoutCallersTraceHaveDistinctTraceIds() {
        client.data("query Apart1 { users(first: 1) { nodes { id } } }");
        client.data("query Apart2 { users(first: 1) { nodes { id } } }");

        assertThat(events().stream()
                        .filter(event ->
                                event.at("/graphql/operation/name").asString("").startsWith("Apart"))
                        .map(event -> event.path("trace.id").asString("")))
                .hasSize(2)
                .doesNotHaveDuplicates()
                .allSatisfy(id -> assertThat(id).hasSize(32));
    }

    @Test
    void floodOfSlowOperationsGetsOneShortLine() {
        for (int i = 0; i < 10; i++) {
            client.data("query Flood { users(first: 1) { nodes { id } } }");
            client.data("query " + "x".repeat(50_000) + i + " { users(first: 1) { nodes { id } } }");
        }

        assertThat(events())
                .filteredOn(event ->
                        event.at("/graphql/operation/name").asString("").equals("Flood"))
                .hasSize(1);
        assertThat(text()).hasSizeLessThan(20_000);
    }

    @Test
    void logsNoAddressOrTokenOnFailure() {
        String email = Directory.newEmail();
        String token = Tokens.withScopes("users:read users:write");
        Client caller = client.withToken(token);
        String mutation = "mutation ($email: String!) { createUser(name: \"X\", email: $email) { errors { code } } }";
        caller.execute(mutation, Map.of("email", email));
        caller.execute(mutation, Map.of("email", email));
        caller.execute("{ userByEmail(email: \"" + email + "\") { nothing } }", Map.of());
        caller.execute("{ userByEmail(email: \"" + email + "\"", Map.of());
        caller.withToken(token + "x").post("{ __typename }");

        assertThat(text()).doesNotContain(email, token);
    }

    /** The pool would log it a second time. */
    @Test
    void logsBrokenConnectionOnce() throws Exception {
        CompletableFuture<JsonNode> response;
        try (Locks users = Locks.holding("users")) {
            response = CompletableFuture.supplyAsync(
                    () -> client.execute("{ users(first: 1) { nodes { id } } }", Map.of()), Thread::startVirtualThread);
            await().until(() -> !jdbc.queryForList("""
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where wait_event_type = 'Lock' and query like '%from users%'""").isEmpty());
        }

        assertThat(response.join().at("/errors/0/extensions/code").asString()).isEqualTo("INTERNAL_SERVER_ERROR");
        assertThat(events())
                .filteredOn(event -> event.has("error"))
                .singleElement()
                .satisfies(
                        event -> assertThat(event.at("/log/logger").asString()).endsWith("ErrorHandler"));
    }

    @Test
    void redactsMessagesOfLibraries() {
        log.atError()
                .addKeyValue("who", "bob.o'neil@example.com")
                .setCause(new IllegalStateException("Key (email)=(carol@example.com) and Bearer abc.def"))
                .log("Refused alice@example.com with {}", Tokens.withScopes("users:read"));

        assertThat(events())
                .singleElement()
                .satisfies(
                        event -> assertThat(event.get("message").asString()).isEqualTo("Refused [email] with [token]"));
        assertThat(text()).doesNotContain("example.com", "abc.def", "eyJ").contains("IllegalStateException");
    }

    private String text() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private List<JsonNode> events() {
        return text().lines().map(JSON::readTree).toList();
    }
}
