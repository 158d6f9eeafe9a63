package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/**
 * Writes and reads users through any of several instances, and checks that no response is older than an acknowledged
 * write, and none comes from another directory. A user must be updated by one thread only.
 */
class CheckedClient {
    private static final String CREATE = "mutation ($name: String!, $email: String!) {"
            + " createUser(name: $name, email: $email) { user { id } } }";
    private static final String UPDATE =
            "mutation ($id: ID!, $name: String!) { updateUser(id: $id, name: $name) { user { version } } }";
    private static final String USER = "query ($id: ID!) { user(id: $id) { version name } }";
    private static final String FIND = "query ($email: String!) { userByEmail(email: $email) { id }"
            + " users(filter: {emails: [$email]}) { nodes { id } } }";
    private static final String COUNT = "{ users(first: 0) { totalCount } }";

    final AtomicInteger reads = new AtomicInteger();
    final AtomicInteger writes = new AtomicInteger();
    /** When the requests that failed were sent. */
    final Queue<Long> failures = new ConcurrentLinkedQueue<>();

    private final String name;
    private final List<Client> instances;
    private final Queue<String> violations = new ConcurrentLinkedQueue<>();
    /** The users whose creation or update was acknowledged, and their newest acknowledged version. */
    private volatile Map<String, Integer> acknowledged = new ConcurrentHashMap<>();

    /** The acknowledged writes that survive when the database loses later ones. */
    private Map<String, Integer> kept = Map.of();

    private final AtomicInteger losses = new AtomicInteger();
    private volatile String newest = "";

    /** @param name the name of all users in this directory, and in no other */
    CheckedClient(String name, List<Client> instances) {
        this.name = name;
        this.instances = instances;
    }

    /** The user whose creation was acknowledged last. */
    String newest() {
        return newest;
    }

    URI uri() {
        return any().uri("/graphql");
    }

    private Client any() {
        return instances.get(ThreadLocalRandom.current().nextInt(instances.size()));
    }

    /** Expects every write acknowledged so far to survive the loss of later ones. */
    void expectKeptWrites() {
        kept = Map.copyOf(acknowledged);
    }

    /** Expects the loss of all other acknowledged writes. The database must not be serving requests. */
    void expectLostWrites() {
        acknowledged = new ConcurrentHashMap<>(kept);
        losses.incrementAndGet();
    }

    boolean succeeds(Callable<Boolean> request) {
        long sent = System.nanoTime();
        try {
            if (request.call()) {
                return true;
            }
            failures.add(sent);
            Thread.sleep(20);
        } catch (Exception | AssertionError e) {
            failures.add(sent);
        }
        return false;
    }

    boolean create() {
        Map<String, Integer> versions = acknowledged;
        int before = losses.get();
        String email = Directory.newEmail();
        JsonNode created =
                any().execute(CREATE, Map.of("name", name, "email", email)).at("/data/createUser/user/id");
        if (!created.isString()) {
            return false;
        }
        versions.put(created.asString(), 0);
        newest = created.asString();
        writes.incrementAndGet();
        return find(created.asString(), email, before);
    }

    private boolean find(String user, String email, int lossesBefore) {
        JsonNode response = any().execute(FIND, Map.of("email", email));
        if (response.has("errors")) {
            return false;
        }
        boolean isFound = response.at("/data/userByEmail/id").asString("").equals(user)
                && response.at("/data/users/nodes/0/id").asString("").equals(user);
        if (!isFound && losses.get() == lossesBefore) {
            violations.add(response + " was read after the creation of " + user + " had been acknowledged");
        }
        reads.incrementAndGet();
        return true;
    }

    boolean count() {
        int before = losses.get();
        int least = acknowledged.size();
        JsonNode count = any().execute(COUNT, Map.of()).at("/data/users/totalCount");
        if (!count.isInt()) {
            return false;
        }
        if (count.asInt() < least && losses.get() == before) {
            violations.add(count + " users were counted after " + least + " creations had been acknowledged");
        }
        reads.incrementAndGet();
        return true;
    }

    /** Pauses at random, so that responses are cached between two updates. */
    boolean update(String user) throws InterruptedException {
        Thread.sleep(ThreadLocalRandom.current().nextInt(50));
        Map<String, Integer> versions = acknowledged;
        JsonNode version =
                any().execute(UPDATE, Map.of("id", user, "name", name)).at("/data/updateUser/user/version");
        if (!version.isInt()) {
            return false;
        }
        versions.put(user, version.asInt());
        writes.incrementAndGet();
        return true;
    }

    boolean read(String user) {
        int before = losses.get();
        int least = acknowledged.getOrDefault(user, -1);
        JsonNode response = any().execute(USER, Map.of("id", user));
        if (response.has("errors")) {
            return false;
        }
        int version = response.at("/data/user/version").asInt(-1);
        if (version < least && losses.get() == before) {
            violations.add(version + " was read after " + least + " had been acknowledged");
        }
        if (version >= 0 && !response.at("/data/user/name").asString().equals(name)) {
            violations.add("read from another directory: " + response);
        }
        reads.incrementAndGet();
        return true;
    }

    boolean probe() throws InterruptedException {
        Thread.sleep(100);
        Client client = any();
        return client.send(HttpRequest.newBuilder(client.uri("/actuator/health"))
                                .build())
                        .statusCode()
                == 200;
    }

    void assertThatNoAcknowledgedWriteIsMissing(JdbcTemplate database) {
        Map<String, Integer> stored = new HashMap<>();
        database.query("select id, version from users", row -> {
            stored.put(new GlobalId(User.TYPE, row.getObject("id", UUID.class)).toString(), row.getInt("version"));
        });
        assertThat(acknowledged)
                .allSatisfy((user, version) ->
                        assertThat(stored.getOrDefault(user, -1)).isGreaterThanOrEqualTo(version));
        assertThat(violations).isEmpty();
    }
}
