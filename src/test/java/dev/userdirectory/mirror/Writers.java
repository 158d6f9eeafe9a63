package dev.userdirectory.mirror;

import dev.userdirectory.Directory;
import dev.userdirectory.PostgresServer;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;

/**
 * Four clients of the service and eight programs that write to PostgreSQL. They change users, groups and memberships until
 * they are stopped. The programs hold their transactions open, and end them out of order.
 */
public final class Writers implements AutoCloseable {
    private static final String ANY_USER = "(select id from users where name like 'Late%' order by random() limit 1)";
    private static final String ANY_GROUP = "(select id from groups where name like 'Late%' order by random() limit 1)";

    private final PostgresServer postgres;
    private final List<ServiceProcess> services;
    private final List<Thread> threads = new ArrayList<>();
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    private final AtomicInteger failures = new AtomicInteger();
    private volatile boolean running = true;

    private interface Write {
        void run() throws Exception;
    }

    public Writers(PostgresServer postgres, List<ServiceProcess> services) {
        this.postgres = postgres;
        this.services = services;
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.startVirtualThread(() -> repeat(this::writeToService)));
        }
        for (int i = 0; i < 8; i++) {
            threads.add(Thread.startVirtualThread(() -> repeat(this::writeToPostgres)));
        }
    }

    /** Changes that were acknowledged to a writer, in the form of {@link Mirror.Event#change}. */
    public Set<String> acknowledged() {
        return acknowledged;
    }

    /** The number of writes that failed. Whether they changed something is unknown. */
    public int failures() {
        return failures.get();
    }

    public void stop() throws InterruptedException {
        running = false;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Override
    public void close() {
        running = false;
        threads.forEach(Thread::interrupt);
    }

    private void repeat(Write write) {
        while (running) {
            try {
                write.run();
            } catch (Exception e) {
                failures.incrementAndGet();
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(random(1000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void writeToService() throws IOException, InterruptedException {
        String user = createUser(service());
        String group = mutate("createGroup(name: \"Somebody's\") { group { id } }")
                .at("/createGroup/group/id")
                .asString();
        acknowledged.add("GROUP_CREATED " + group);
        mutate("addGroupMembers(groupId: \"%s\", userIds: \"%s\") { group { id } }".formatted(group, user));
        acknowledged.add("MEMBER_ADDED " + user + " " + group);
        mutate("updateUser(id: \"%s\", active: false) { user { id } }".formatted(user));
        acknowledged.add("USER_UPDATED " + user);
        String removed = "MEMBER_REMOVED " + user + " " + group;
        switch (random(4)) {
            case 0 -> {
                mutate("deleteUser(id: \"%s\") { deletedUserId }".formatted(user));
                acknowledged.addAll(List.of("USER_DELETED " + user, removed));
            }
            case 1 -> {
                mutate("deleteGroup(id: \"%s\") { deletedGroupId }".formatted(group));
                acknowledged.addAll(List.of("GROUP_DELETED " + group, removed));
            }
            case 2 -> {
                mutate("removeGroupMembers(groupId: \"%s\", userIds: \"%s\") { group { id } }".formatted(group, user));
                acknowledged.add(removed);
            }
            default -> {
                mutate("updateGroup(id: \"%s\", description: \"All\") { group { id } }".formatted(group));
                acknowledged.add("GROUP_UPDATED " + group);
            }
        }
    }

    /** Creates a user and returns the ID. */
    public String createUser(ServiceProcess service) throws IOException, InterruptedException {
        String user = service.data(
                        "mutation ($email: String!) { createUser(name: \"Somebody\", email: $email) { user { id } } }",
                        Map.of("email", Directory.newEmail()))
                .at("/createUser/user/id")
                .asString();
        acknowledged.add("USER_CREATED " + user);
        return user;
    }

    private JsonNode mutate(String mutation) throws IOException, InterruptedException {
        return service().data("mutation { " + mutation + " }", Map.of());
    }

    private ServiceProcess service() {
        return services.get(random(services.size()));
    }

    /** Inserts a user, which determines the position in the feed, and ends the transaction some time later. */
    private void writeToPostgres() throws InterruptedException, SQLException {
        UUID user = UUID.randomUUID();
        try (Connection connection = postgres.connect();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("insert into users (id, name, email, active, created_at, updated_at, version) values ('"
                    + user + "', 'Late', '" + user + "@example.com', true, now(), now(), 0)");
            for (int i = random(4); i > 0; i--) {
                Thread.sleep(random(40));
                statement.execute(change());
            }
            if (random(10) == 0) {
                connection.rollback();
                return;
            }
            connection.commit();
            acknowledged.add("USER_CREATED " + new GlobalId(User.TYPE, user));
        }
    }

    private static String change() {
        return switch (random(7)) {
            case 0 ->
                "insert into groups (id, name, created_at, updated_at, version)"
                        + " values (uuidv7(), 'Late', now(), now(), 0)";
            case 1 -> "update users set name = name || '.', version = version + 1 where id = " + ANY_USER;
            case 2 -> "update groups set description = random()::text where id = " + ANY_GROUP;
            case 3 -> "delete from users where id = " + ANY_USER;
            case 4 -> random(2) == 0 ? "delete from groups where id = " + ANY_GROUP : "select";
            case 5 ->
                "insert into group_members (group_id, user_id, joined_at) select g, u, now() from " + ANY_GROUP
                        + " g (g), " + ANY_USER + " u (u) on conflict do nothing";
            default ->
                "delete from group_members where (group_id, user_id) ="
                        + " (select group_id, user_id from group_members join groups on id = group_id"
                        + " where name = 'Late' order by random() limit 1)";
        };
    }

    private static int random(int bound) {
        return ThreadLocalRandom.current().nextInt(bound);
    }
}
