package dev.userdirectory.graphql.cache;

import static dev.userdirectory.Ports.freePort;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Instance;
import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import dev.userdirectory.graphql.federation.SubgraphSchema;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import graphql.language.FieldDefinition;
import graphql.language.NonNullType;
import graphql.language.ObjectTypeDefinition;
import graphql.language.Type;
import graphql.language.TypeName;
import graphql.schema.idl.SchemaParser;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.context.ConfigurableApplicationContext;
import redis.embedded.RedisServer;
import tools.jackson.databind.JsonNode;

/**
 * Random programs write, and commit at random times. After each step, two instances, which share a Redis and read from a
 * replica, must return the same responses as an instance without a cache.
 * {@code -Ddirectory.test.soak=60} tries longer, and {@code -Ddirectory.test.seed=1} repeats a run.
 */
@Soak("starts a standby, Redis and three instances")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CachedReadsTest {
    private static final long SEED = Long.getLong("directory.test.seed", System.nanoTime());
    private static final Duration TIME = Duration.ofSeconds(Long.getLong("directory.test.soak", 10));
    private static final int USERS = 4;
    private static final int GROUPS = 2;

    private static final List<String> QUERIES = List.of(
            "user(id: $user) { name email version groups(first: 3) { nodes { name } } }",
            "user(id: $user) { name }",
            "userByEmail(email: $email) { id name }",
            "users(first: 5, orderBy: {field: NAME}) { nodes { id name } totalCount }",
            "users(filter: {groupId: $group}) { nodes { id } totalCount }",
            "users(filter: {search: $name}) { nodes { id email } }",
            "users(filter: {inNoGroup: true}, orderBy: {field: UPDATED_AT}) { nodes { id name } totalCount }",
            "users(filter: {inAnyGroup: [$group]}) { totalCount }",
            "users(filter: {inAllGroups: [$group]}) { nodes { id } }",
            "users(filter: {inNoneOfGroups: [$group]}) { nodes { id } }",
            "users(filter: {emails: [$email], inNoGroup: false}) { nodes { id } }",
            "group(id: $group) { name members(first: 3) { edges { cursor node { name } } totalCount } }",
            "group(id: $group) { name members { totalCount } }",
            "group(id: $group) { members(orderBy: {field: NAME}, first: 2) { nodes { id } } }",
            "group(id: $group) { members(filter: {search: $name}) { nodes { id } } }",
            "groupByName(name: \"No such group\") { id }",
            "groups(first: 3) { nodes { name members(first: 2) { nodes { email } } } totalCount }",
            "groups(search: $name) { nodes { id } }",
            "node(id: $user) { ... on User { name } }",
            "nodes(ids: [$user, $group]) { id ... on Group { description } }",
            "_entities(representations: [{__typename: \"User\", id: $user}, {__typename: \"User\", email: $email}])"
                    + " { ... on User { name active } }");

    /** The fields that the schema does not allow to be cached. */
    private static final List<String> NOT_CACHED = List.of("userEvents", "directoryEvents", "history", "viewer");

    private final Random random = new Random(SEED);
    private final PostgresPair servers = new PostgresPair();
    private final int redisPort = freePort();
    private final RedisServer redis;
    private final List<ConfigurableApplicationContext> cached;
    private final ConfigurableApplicationContext uncached;
    private final List<Connection> programs = new ArrayList<>();
    private final List<UUID> users = ids(USERS);
    private final List<UUID> groups = ids(GROUPS);

    CachedReadsTest() throws IOException, SQLException {
        redis = RedisServer.newRedisServer()
                .port(redisPort)
                .setting("save \"\"")
                .build();
        redis.start();
        String[] sharing = {
            "--spring.data.redis.url=redis://localhost:" + redisPort,
            "--directory.replica.url=" + servers.replicaUrl(),
            "--directory.replica.patience=100ms"
        };
        cached = List.of(start(sharing), start(sharing));
        uncached = start("--directory.cache.enabled=false");
        for (int i = 0; i < 3; i++) {
            Connection program = servers.primary().getPostgresDatabase().getConnection();
            program.setAutoCommit(false);
            programs.add(program);
        }
    }

    private ConfigurableApplicationContext start(String... more) {
        return Instance.start(servers.primaryDetails(), more);
    }

    private static List<UUID> ids(int count) {
        return IntStream.range(0, count).mapToObj(i -> UUID.randomUUID()).toList();
    }

    @AfterAll
    void stop() throws IOException, SQLException {
        for (Connection program : programs) {
            program.close();
        }
        cached.forEach(ConfigurableApplicationContext::close);
        uncached.close();
        redis.stop();
    }

    @Test
    void everyCacheableListAndLookUpIsRead() {
        List<String> cacheable = new SchemaParser()
                .parse(SubgraphSchema.sdl()).getTypes(ObjectTypeDefinition.class).stream()
                        .filter(type -> List.of("Query", "User", "Group").contains(type.getName()))
                        .flatMap(type -> type.getFieldDefinitions().stream())
                        .filter(field -> field.hasDirective("cacheControl") || isConnection(field))
                        .map(FieldDefinition::getName)
                        .filter(name -> !NOT_CACHED.contains(name))
                        .toList();

        assertThat(cacheable).contains("users", "members");
        assertThat(cacheable)
                .allMatch(name -> QUERIES.stream().anyMatch(query -> query.matches("(.*\\W)?" + name + "\\W.*")));
    }

    private static boolean isConnection(FieldDefinition field) {
        Type<?> type = field.getType() instanceof NonNullType nonNull ? nonNull.getType() : field.getType();
        return type instanceof TypeName named && named.getName().endsWith("Connection");
    }

    @Test
    void cachedReadsEqualUncachedReads() throws SQLException {
        fill();
        List<String> queries = queries();
        Client reference = uncached.getBean(Client.class);
        List<Client> clients =
                cached.stream().map(instance -> instance.getBean(Client.class)).toList();
        Instant end = Instant.now().plus(TIME);
        Instant latest = end.plus(TIME.multipliedBy(6));
        int writes = 0;
        // On a busy machine, Redis may be too slow for a while.
        while (Instant.now().isBefore(end)
                || (count("shared hit") == 0 && Instant.now().isBefore(latest))) {
            write(pick(programs));
            writes++;
            for (String query : queries) {
                JsonNode current = reference.data(query);
                for (Client client : clients) {
                    assertThat(client.data(query))
                            .as("%s, seed %d", query, SEED)
                            .isEqualTo(current);
                }
            }
        }
        System.out.printf(
                "%d writes, %.0f reads from the cache, %.0f from Redis%n", writes, count("hit"), count("shared hit"));
        assertThat(count("hit")).isPositive();
        assertThat(count("shared hit")).isPositive();
    }

    /** Creates objects, so that the reads show something from the beginning. */
    private void fill() throws SQLException {
        Connection program = programs.getFirst();
        try (Statement statement = program.createStatement()) {
            for (int i = 0; i < USERS; i++) {
                statement.execute(insertUser(users.get(i), email(i)));
            }
            for (UUID group : groups) {
                statement.execute(insertGroup(group));
            }
            statement.execute("insert into group_members select g.id, u.id, now() from groups g, users u");
        }
        program.commit();
    }

    private String insertUser(UUID id, String email) {
        return "insert into users (id, name, email, active, created_at, updated_at, version) values ('" + id + "', '"
                + name() + "', '" + email + "', true, now(), now(), 0)";
    }

    private String insertGroup(UUID id) {
        return "insert into groups (id, name, created_at, updated_at, version) values ('" + id + "', '" + name()
                + "', now(), now(), 0)";
    }

    /** The queries, with the IDs and values of this run. */
    private List<String> queries() {
        return QUERIES.stream()
                .map(query -> "{ "
                        + query.replace("$user", quoted(new GlobalId(User.TYPE, users.getFirst())))
                                .replace("$group", quoted(new GlobalId(Group.TYPE, groups.getFirst())))
                                .replace("$email", quoted(email(0)))
                                .replace("$name", quoted("Name a"))
                        + " }")
                .toList();
    }

    private static String quoted(Object value) {
        return "\"" + value + "\"";
    }

    private double count(String result) {
        return cached.stream()
                .mapToDouble(instance -> instance.getBean(MeterRegistry.class)
                        .get("directory.cache.requests")
                        .tag("result", result)
                        .counter()
                        .count())
                .sum();
    }

    /** Writes in the program's open transaction, unless another one has locked the row, and may end the transaction. */
    private void write(Connection program) throws SQLException {
        try (Statement statement = program.createStatement()) {
            statement.execute("set local lock_timeout = '10ms'");
            statement.execute(change());
        } catch (SQLException e) {
            program.rollback();
        }
        switch (random.nextInt(5)) {
            case 0, 1, 2 -> program.commit();
            case 3 -> program.rollback();
            default -> {}
        }
    }

    private String change() {
        String user = "'" + pick(users) + "'";
        String group = "'" + pick(groups) + "'";
        // Few deletions, so that most reads show something.
        return switch (random.nextInt(24)) {
            case 0, 1 -> insertUser(pick(users), email(random.nextInt(USERS)));
            case 2, 3, 4, 5, 6, 7 ->
                "update users set name = '" + name() + "', version = version + 1 where id = " + user;
            case 8, 9, 10 -> "update users set email = '" + email(random.nextInt(USERS)) + "' where id = " + user;
            case 11 -> "delete from users where id = " + user;
            case 12, 13 -> insertGroup(pick(groups));
            case 14, 15 ->
                "update groups set name = '" + name() + "', description = '" + name() + "' where id = " + group;
            case 16 -> "delete from groups where id = " + group;
            case 17, 18, 19, 20, 21 ->
                "insert into group_members values (" + group + ", " + user + ", clock_timestamp())";
            default -> "delete from group_members where group_id = " + group + " and user_id = " + user;
        };
    }

    private String name() {
        return "Name " + (char) ('a' + random.nextInt(4));
    }

    private static String email(int number) {
        return number + "@example.com";
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
