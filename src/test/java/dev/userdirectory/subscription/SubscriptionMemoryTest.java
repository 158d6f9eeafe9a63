package dev.userdirectory.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.TestPostgres.Statements;
import dev.userdirectory.Tokens;
import dev.userdirectory.relay.GlobalIds;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;

/**
 * The heap that subscriptions retain. {@code -Ddirectory.test.events=200000} sends that many events instead of a few
 * thousand.
 */
@Soak("delivers many events")
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.events.buffer=2000",
            "directory.events.patience=10m",
            "directory.limits.deadline=30s",
            "directory.memory.documents=2MB"
        })
class SubscriptionMemoryTest {
    private static final int EVENTS = Integer.getInteger("directory.test.events", 6000);
    private static final int USERS = 1000;
    private static final String READER = Tokens.withScopes("users:read");

    private final String name = "Changed " + UUID.randomUUID();

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    GlobalIds globalIds;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    Statements statements;

    @Test
    void retainsNoDeliveredEvents() {
        createUsers();
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.subscribe("1", "subscription { userEvents { cursor user { name } } }", Map.of());
            socket.settle();
            // The first events load classes and fill caches, which remain.
            follow(socket, 2 * USERS);
            // Other parts of the service allocate, too, but not in every round.
            long grown = Long.MAX_VALUE;
            long limit = Math.min(10 << 20, EVENTS * 500L);
            for (int round = 0; round < 3 && grown >= limit; round++) {
                long before = usedHeap();
                follow(socket, EVENTS);
                grown = usedHeap() - before;
                System.out.printf("Heap after %,d more events: %+.1f MiB%n", EVENTS, grown / 1048576.0);
            }
            assertThat(grown).isLessThan(limit);
        }
    }

    /** Parsed, one of these documents takes up about 2 MB. As text, which counts towards the limits, it is 45 kB. */
    @Test
    void retainsNoParsedDocuments() {
        try (SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER)) {
            socket.settle();
            long before = usedHeap();
            for (int i = 0; i < 40; i++) {
                StringBuilder document = new StringBuilder("subscription S" + i + " { userEvents { cursor } }");
                for (int query = 0; query < 7; query++) {
                    document.append(" query q%d_%d { users { nodes {".formatted(i, query))
                            .append(" id".repeat(1990))
                            .append(" } } }");
                }
                socket.send(Map.of(
                        "type",
                        "subscribe",
                        "id",
                        "s" + i,
                        "payload",
                        Map.of("operationName", "S" + i, "query", document.toString())));
                socket.settle();
            }
            directory.createUser();
            for (int i = 0; i < 40; i++) {
                socket.expect("next");
            }
            statements.clear();
            long grown = usedHeap() - before;

            System.out.printf("Heap of 40 subscriptions with large documents: %+.1f MiB%n", grown / 1048576.0);
            assertThat(grown).isLessThan(24 << 20);
        }
    }

    @Test
    void retainsLittleForStalledSockets() {
        createUsers();
        List<SocketClient> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 20; i++) {
                SocketClient socket = SocketClient.connect(client.uri("/graphql"), READER);
                sockets.add(socket);
                socket.subscribe("1", "subscription { userEvents { " + fields(99) + " } }", Map.of());
                socket.settle();
                socket.stopReading();
            }
            long before = usedHeap();
            for (int sent = 0; sent < 12_000; sent += USERS) {
                update();
            }
            // Once a reading socket has received its events, the feed has passed the earlier ones on, too.
            try (SocketClient reader = SocketClient.connect(client.uri("/graphql"), READER)) {
                reader.subscribe("1", "subscription { userEvents { type } }", Map.of());
                reader.settle();
                follow(reader, USERS);
            }
            long grown = usedHeap() - before;

            System.out.printf("Heap of 20 sockets that do not read: %+.1f MiB%n", grown / 1048576.0);
            assertThat(grown).isLessThan(60 << 20);
        } finally {
            sockets.forEach(SocketClient::close);
        }
    }

    /** The users share a name that no other user has. */
    private void createUsers() {
        List<Object[]> ids = directory.createUsers(USERS).stream()
                .map(id -> new Object[] {name, globalIds.parse("user", id).uuid()})
                .toList();
        jdbc.batchUpdate("update users set name = ? where id = ?", ids);
    }

    private void follow(SocketClient socket, int events) {
        for (int received = 0; received < events; received += USERS) {
            update();
            for (int i = 0; i < USERS; i++) {
                socket.expect("next");
            }
            // The recorder keeps every statement.
            statements.clear();
        }
    }

    private void update() {
        assertThat(jdbc.update("update users set version = version + 1 where name = ?", name))
                .isEqualTo(USERS);
    }

    private static String fields(int count) {
        StringBuilder fields = new StringBuilder();
        for (int i = 0; i < count; i++) {
            fields.append("c").append(i).append(": cursor ");
        }
        return fields.toString();
    }

    private static long usedHeap() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
