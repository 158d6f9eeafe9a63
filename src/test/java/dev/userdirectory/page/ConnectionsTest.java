package dev.userdirectory.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.group.Group;
import dev.userdirectory.page.Listing.Place;
import dev.userdirectory.page.Listing.Row;
import dev.userdirectory.page.Listing.Text;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Compares every connection with a plain list, with random arguments. A failure reports its seed, and
 * {@code -Ddirectory.test.seed} repeats it. {@code -Ddirectory.test.connections} sets how many connections are tried.
 */
@DirectoryTest
class ConnectionsTest {
    /** Names with ties, different cases, and characters whose order in UTF-16 differs from that of code points. */
    private static final List<String> NAMES = List.of(
            "Anna", "anna", "ANNA", "Anne", "Ärger", "ärger", "Zoë", "Zoe", "İpek", "Straße", "ﬀ", "🦊", "🦉 Owl",
            "山田太郎", "Ольга", "O'Brien", "a_b", "a%b", "a\\b", "100 %");

    private static final List<String> TERMS = List.of(
            "",
            "a",
            "An",
            "ann",
            "ÄR",
            "ärger",
            "zoë",
            "i̇",
            "i",
            "ß",
            "🦊",
            "太",
            "ольга",
            "%",
            "_",
            "\\",
            "'",
            "@",
            "@example",
            "e1",
            "nobody");

    /** The number of connections to try; all of them by default. */
    private static final int TRIED = Integer.getInteger("directory.test.connections", 100);

    private static final Instant START = Instant.parse("2024-02-29T23:59:59.999998Z");
    private static final UUID NO_GROUP = new UUID(0, 0);

    private final long seed = Long.getLong("directory.test.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final AtomicInteger inserted = new AtomicInteger();
    private final List<UUID> groups = new ArrayList<>();
    private final List<UUID> users = new ArrayList<>();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    private record Person(UUID uuid, String name, String email, boolean active, Instant createdAt, Instant updatedAt) {}

    @BeforeEach
    void fill() {
        directory.recount();
        Stream.generate(() -> insertUser(random)).limit(130).forEach(users::add);
        Stream.generate(() -> insertGroup(random)).limit(60).forEach(groups::add);
        users.forEach(user -> join(random, groups.get(0), user));
        users.subList(0, 21).forEach(user -> join(random, groups.get(1), user));
        users.subList(0, 20).forEach(user -> join(random, groups.get(2), user));
        groups.forEach(group -> join(random, group, users.getLast()));
    }

    @Test
    void pagesAgreeWithPlainListEvenAfterDeletions() {
        for (Supplier<Listing> connection : connections()) {
            List<UUID> doomedUsers = new ArrayList<>();
            List<UUID> doomedGroups = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                doomedUsers.add(insertUser(random));
                doomedGroups.add(insertGroup(random));
                groups.subList(0, 3).forEach(group -> join(random, group, doomedUsers.getLast()));
                join(random, doomedGroups.getLast(), users.getLast());
            }
            Listing listing = connection.get();
            check(listing, () -> {
                List<Place> places = listing.walk(random);
                compareAnyPages(listing, places);

                doomedUsers.forEach(user -> jdbc.update("delete from users where id = ?", user));
                doomedGroups.forEach(group -> jdbc.update("delete from groups where id = ?", group));
                compareAnyPages(connection.get(), places);
            });
        }
    }

    @Test
    void walkMeetsEachRowOnceDespiteInsertionsAndDeletions() {
        int changes = 0;
        for (Supplier<Listing> connection : connections()) {
            Listing listing = connection.get();
            Random random = new Random(this.random.nextLong());
            AtomicBoolean done = new AtomicBoolean();
            CompletableFuture<Integer> others = CompletableFuture.supplyAsync(() -> comeAndGo(random, done));
            try {
                check(listing, () -> {
                    listing.walkAmongOthers(this.random, false);
                    listing.walkAmongOthers(this.random, true);
                });
            } finally {
                done.set(true);
            }
            changes += others.join();
        }
        assertThat(changes).isPositive();
    }

    private int comeAndGo(Random random, AtomicBoolean done) {
        Deque<Map.Entry<UUID, UUID>> here = new ArrayDeque<>();
        int changes = 0;
        while (!done.get() || !here.isEmpty()) {
            if (done.get() || here.size() > random.nextInt(20)) {
                Map.Entry<UUID, UUID> oldest = here.remove();
                jdbc.update("delete from users where id = ?", oldest.getKey());
                jdbc.update("delete from groups where id = ?", oldest.getValue());
            } else {
                here.add(Map.entry(insertUser(random), insertGroup(random)));
                join(random, groups.getFirst(), here.getLast().getKey());
                join(random, here.getLast().getValue(), users.getLast());
            }
            changes++;
        }
        return changes;
    }

    private void compareAnyPages(Listing listing, List<Place> places) {
        for (int i = 0; i < 12; i++) {
            listing.compareAnyPage(random, places);
        }
    }

    private List<Supplier<Listing>> connections() {
        List<Supplier<Listing>> connections = new ArrayList<>();
        for (String field : List.of("CREATED_AT", "UPDATED_AT", "NAME", "EMAIL")) {
            for (String direction : List.of("ASC", "DESC")) {
                connections.add(users(field, direction, null, null, null));
                connections.add(users(field, direction, any(groups.subList(0, 4)), null, null));
                connections.add(users(field, direction, null, random.nextBoolean(), null));
                connections.add(users(field, direction, null, null, any(TERMS)));
                connections.add(users(field, direction, groups.get(0), random.nextBoolean(), any(TERMS)));
                connections.add(usersCreated(field, direction));
                connections.add(usersInNoGroup(field, direction));
                connections.add(
                        usersInGroups(field, direction, any(List.of("inAnyGroup", "inAllGroups", "inNoneOfGroups"))));
                connections.add(
                        random.nextBoolean() ? usersWithEmails(field, direction) : usersInDomain(field, direction));
                connections.add(members(any(groups.subList(0, 4)), field, direction));
            }
        }
        connections.add(users("NAME", "ASC", insertGroup(random), null, null));
        connections.add(users("NAME", "ASC", NO_GROUP, null, null));
        connections.add(groups(null));
        connections.add(groups(""));
        connections.add(groups(any(TERMS)));
        connections.add(groups(any(TERMS)));
        for (UUID user : List.of(users.getFirst(), users.get(30), users.getLast(), insertUser(random))) {
            connections.add(groupsOf(user));
        }
        for (UUID group : List.of(groups.get(0), groups.get(1), groups.get(2), groups.get(3), insertGroup(random))) {
            connections.add(members(group));
        }
        Collections.shuffle(connections, random);
        return connections.stream().limit(TRIED).toList();
    }

    private Supplier<Listing> users(
            String field, String direction, @Nullable UUID group, @Nullable Boolean active, @Nullable String search) {
        Map<String, Object> filter = new HashMap<>();
        filter.put("groupId", group == null ? null : new GlobalId(Group.TYPE, group).toString());
        filter.put("active", active);
        filter.put("search", search);
        return users(field, direction, filter, () -> {
            Set<UUID> members = membersOf(group);
            return person -> (group == null || members.contains(person.uuid))
                    && (active == null || person.active == active)
                    && (search == null
                            || Text.lower(person.name).contains(Text.lower(search))
                            || Text.lower(person.email).contains(Text.lower(search)));
        });
    }

    /** Created in three of the ten microseconds. */
    private Supplier<Listing> usersCreated(String field, String direction) {
        Instant from = START.plusNanos(1000L * random.nextInt(8));
        Instant before = from.plusNanos(3000);
        return users(
                field,
                direction,
                Map.of("createdAt", Map.of("from", from.toString(), "before", before.toString())),
                () -> person -> !person.createdAt.isBefore(from) && person.createdAt.isBefore(before));
    }

    private Supplier<Listing> usersInNoGroup(String field, String direction) {
        return users(field, direction, Map.of("inNoGroup", true), () -> {
            Set<UUID> members = new HashSet<>(jdbc.queryForList("select user_id from group_members", UUID.class));
            return person -> !members.contains(person.uuid);
        });
    }

    private Supplier<Listing> usersInGroups(String field, String direction, String condition) {
        int start = random.nextInt(3);
        List<UUID> given = groups.subList(start, start + 1 + random.nextInt(3));
        List<String> ids = given.stream()
                .map(group -> new GlobalId(Group.TYPE, group).toString())
                .toList();
        return users(field, direction, Map.of(condition, ids), () -> {
            List<Set<UUID>> members = given.stream().map(this::membersOf).toList();
            return person -> {
                Predicate<Set<UUID>> isMember = set -> set.contains(person.uuid);
                return switch (condition) {
                    case "inAnyGroup" -> members.stream().anyMatch(isMember);
                    case "inAllGroups" -> members.stream().allMatch(isMember);
                    default -> members.stream().noneMatch(isMember);
                };
            };
        });
    }

    private Supplier<Listing> usersWithEmails(String field, String direction) {
        List<String> emails = people().stream()
                .filter(person -> users.contains(person.uuid))
                .map(Person::email)
                .limit(1 + random.nextInt(100))
                .toList();
        return users(field, direction, Map.of("emails", emails), () -> person -> emails.contains(person.email));
    }

    private Supplier<Listing> usersInDomain(String field, String direction) {
        return users(
                field,
                direction,
                Map.of("emailDomain", "EXAMPLE.net"),
                () -> person -> person.email.endsWith("@example.net"));
    }

    /** @param matching makes the condition that corresponds to the filter at present */
    private Supplier<Listing> users(
            String field, String direction, Map<String, ?> filter, Supplier<Predicate<Person>> matching) {
        Map<String, Object> variables =
                Map.of("orderBy", Map.of("field", field, "direction", direction), "filter", filter);
        return () -> new Listing(
                client,
                "query ($filter: UserFilter, $orderBy: UserOrder!, " + Listing.PARAMETERS
                        + ") { users(filter: $filter, orderBy: $orderBy, " + Listing.PAGE + " }",
                variables,
                direction.equals("ASC") ? Row.ASCENDING : Row.ASCENDING.reversed(),
                rows(field, matching.get()));
    }

    private Set<UUID> membersOf(@Nullable UUID group) {
        return new HashSet<>(
                jdbc.queryForList("select user_id from group_members where group_id = ?", UUID.class, group));
    }

    private List<Row> rows(String field, Predicate<Person> matching) {
        return people().stream()
                .filter(matching)
                .map(person -> row(
                        User.TYPE,
                        person.uuid,
                        switch (field) {
                            case "NAME" -> Text.lower(person.name);
                            case "EMAIL" -> Text.lower(person.email);
                            case "UPDATED_AT" -> person.updatedAt;
                            default -> person.createdAt;
                        }))
                .toList();
    }

    private Supplier<Listing> members(UUID group, String field, String direction) {
        Map<String, Object> variables = Map.of(
                "id",
                new GlobalId(Group.TYPE, group).toString(),
                "orderBy",
                Map.of("field", field, "direction", direction));
        return () -> {
            Set<UUID> members = membersOf(group);
            return new Listing(
                    client,
                    "query ($id: ID!, $orderBy: UserOrder, " + Listing.PARAMETERS
                            + ") { group(id: $id) { members(orderBy: $orderBy, " + Listing.PAGE + " } }",
                    variables,
                    direction.equals("ASC") ? Row.ASCENDING : Row.ASCENDING.reversed(),
                    rows(field, person -> members.contains(person.uuid)));
        };
    }

    private Supplier<Listing> groups(@Nullable String search) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("search", search);
        return () -> new Listing(
                client,
                "query ($search: String, " + Listing.PARAMETERS + ") { groups(search: $search, " + Listing.PAGE + " }",
                variables,
                Row.ASCENDING,
                jdbc
                        .query(
                                "select id, name from groups",
                                (row, n) ->
                                        Map.entry(row.getObject("id", UUID.class), Text.lower(row.getString("name"))))
                        .stream()
                        .filter(group -> search == null || group.getValue().contains(Text.lower(search)))
                        .map(group -> row(Group.TYPE, group.getKey(), group.getValue()))
                        .toList());
    }

    private Supplier<Listing> groupsOf(UUID user) {
        return () -> new Listing(
                client,
                "query ($id: ID!, " + Listing.PARAMETERS + ") { user(id: $id) { groups(" + Listing.PAGE + " } }",
                Map.of("id", new GlobalId(User.TYPE, user).toString()),
                Row.ASCENDING,
                jdbc.query(
                        "select id, name from groups where id in"
                                + " (select group_id from group_members where user_id = ?)",
                        (row, n) -> row(Group.TYPE, row.getObject("id", UUID.class), Text.lower(row.getString("name"))),
                        user));
    }

    private Supplier<Listing> members(UUID group) {
        return () -> new Listing(
                client,
                "query ($id: ID!, " + Listing.PARAMETERS + ") { group(id: $id) { members(" + Listing.PAGE + " } }",
                Map.of("id", new GlobalId(Group.TYPE, group).toString()),
                Row.ASCENDING,
                jdbc.query(
                        "select user_id, joined_at from group_members where group_id = ?",
                        (row, n) -> row(
                                User.TYPE,
                                row.getObject("user_id", UUID.class),
                                row.getObject("joined_at", OffsetDateTime.class).toInstant()),
                        group));
    }

    private static Row row(NodeType type, UUID uuid, Comparable<?> key) {
        return new Row(new GlobalId(type, uuid).toString(), key, uuid);
    }

    private List<Person> people() {
        return jdbc.query(
                "select id, name, email, active, created_at, updated_at from users",
                (row, n) -> new Person(
                        row.getObject("id", UUID.class),
                        row.getString("name"),
                        row.getString("email"),
                        row.getBoolean("active"),
                        row.getObject("created_at", OffsetDateTime.class).toInstant(),
                        row.getObject("updated_at", OffsetDateTime.class).toInstant()));
    }

    private UUID insertUser(Random random) {
        UUID uuid = new UUID(random.nextLong(), random.nextLong());
        String name = NAMES.get(random.nextInt(NAMES.size()));
        jdbc.update(
                "insert into users (id, name, email, active, created_at, updated_at, version) values (?,?,?,?,?,?,0)",
                uuid,
                name,
                name.replace(' ', '.') + inserted.incrementAndGet() + "." + uuid
                        + (random.nextBoolean() ? "@Example.com" : "@example.net"),
                random.nextInt(3) > 0,
                anyTime(random),
                anyTime(random));
        return uuid;
    }

    private UUID insertGroup(Random random) {
        UUID uuid = new UUID(random.nextLong(), random.nextLong());
        OffsetDateTime at = anyTime(random);
        jdbc.update(
                "insert into groups (id, name, created_at, updated_at, version) values (?,?,?,?,0)",
                uuid,
                NAMES.get(random.nextInt(NAMES.size())),
                at,
                at);
        return uuid;
    }

    private void join(Random random, UUID group, UUID user) {
        jdbc.update(
                "insert into group_members (group_id, user_id, joined_at) values (?, ?, ?) on conflict do nothing",
                group,
                user,
                anyTime(random));
    }

    /** One of ten instants, microseconds apart. */
    private static OffsetDateTime anyTime(Random random) {
        return START.plusNanos(1000L * random.nextInt(10)).atOffset(ZoneOffset.UTC);
    }

    private void check(Listing listing, Runnable check) {
        try {
            check.run();
        } catch (AssertionError e) {
            throw new AssertionError(
                    "-Ddirectory.test.seed=" + seed + " fails " + listing.document() + " " + listing.variables(), e);
        }
    }

    private <T> T any(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }
}
