package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.cache.DatabaseState.State;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Two instances read at random from a model of a database, through their caches and a shared one, while transactions
 * write, wait, and commit or roll back in any order. No response may differ from the database.
 * {@code -Ddirectory.test.seed=1} repeats a run, and {@code -Ddirectory.test.steps} sets how long it is.
 */
class CacheModelTest {
    private static final long SEED = Long.getLong("directory.test.seed", System.nanoTime());
    private static final int STEPS = Integer.getInteger("directory.test.steps", 2_000_000);
    private static final int OBJECTS = 30;
    private static final Instant NEVER = Instant.MAX;

    @Test
    void everyResponseIsCurrent() {
        Run run = new Run(new Database());

        assertThat(run.outdated(STEPS))
                .as("outdated responses, with the seed %d", SEED)
                .isZero();
        assertThat(run.hits).as("hits").isGreaterThan(STEPS / 20);
        assertThat(run.sharedHits).as("hits in the shared cache").isGreaterThan(STEPS / 1000);
    }

    @Test
    void findsThatOneKindOfChangeIsMissing() {
        assertThat(new Run(new Database() {
                            @Override
                            boolean isReported(Event event, Snapshot before) {
                                return !event.name.equals("object 7") && super.isReported(event, before);
                            }
                        })
                        .outdated(STEPS / 20))
                .isPositive();
    }

    @Test
    void findsThatLateCommitsAreIgnored() {
        assertThat(new Run(new Database() {
                            @Override
                            boolean isReported(Event event, Snapshot before) {
                                return event.writer >= before.end();
                            }
                        })
                        .outdated(STEPS / 20))
                .isPositive();
    }

    private record Event(long writer, String name) {}

    /** Objects with a number each, which a transaction increases. */
    private static class Database implements CommittedChanges {
        private final Map<String, Integer> committed = new HashMap<>();
        private final Map<Long, List<String>> running = new HashMap<>();
        private final Deque<Event> log = new ArrayDeque<>();
        private long next = 3;
        private int starts;

        void begin(List<String> names) {
            running.put(next, names);
            if (log.size() > 1000 && !running.containsKey(log.getFirst().writer)) {
                log.removeFirst();
            }
            names.forEach(name -> log.add(new Event(next, name)));
            next++;
        }

        void end(Random random) {
            List<Long> transactions = List.copyOf(running.keySet());
            if (!transactions.isEmpty()) {
                long ended = transactions.get(random.nextInt(transactions.size()));
                List<String> names = Objects.requireNonNull(running.remove(ended));
                if (random.nextInt(4) > 0) {
                    names.forEach(name -> committed.merge(name, 1, Integer::sum));
                } else {
                    log.removeIf(event -> event.writer == ended);
                }
            }
        }

        /** Loses running transactions, and uses the numbers after the last commit again. */
        void crash() {
            log.removeIf(event -> running.containsKey(event.writer));
            running.clear();
            next = log.isEmpty() ? 3 : log.getLast().writer + 1;
            starts++;
        }

        int value(String name) {
            return committed.getOrDefault(name, 0);
        }

        boolean isReported(Event event, Snapshot before) {
            return event.writer >= before.end() || before.running().contains(event.writer);
        }

        private String server() {
            return "start " + starts;
        }

        private String snapshot() {
            long oldest = running.keySet().stream().min(Long::compare).orElse(next);
            return running.keySet().stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",", oldest + ":" + next + ":", ""));
        }

        @Override
        public boolean isUnchanged(String server, String snapshot) {
            return server.equals(server()) && snapshot.equals(snapshot());
        }

        @Override
        public Changes since(@Nullable String before) {
            Set<String> changed = new HashSet<>();
            if (before != null) {
                Snapshot known = Snapshot.parse(before);
                long first = Long.parseLong(before.split(":", -1)[0]);
                for (Event event : log.reversed()) {
                    if (event.writer < first) {
                        break;
                    }
                    if (!running.containsKey(event.writer) && isReported(event, known)) {
                        changed.add(event.name);
                    }
                }
            }
            return new Changes(server(), snapshot(), changed.size() > 20 ? null : changed);
        }

        @Override
        public String identity() {
            return "model";
        }
    }

    private record Cached(Map<String, Integer> values, CachedResponse response) {}

    private static final class Run {
        private final Random random = new Random(SEED);
        private final Database database;
        private final List<DatabaseState> instances;
        private final List<Map<Integer, Cached>> local = List.of(new HashMap<>(), new HashMap<>());
        private final Map<Integer, Cached> shared = new HashMap<>();
        private int hits;
        private int sharedHits;

        Run(Database database) {
            this.database = database;
            this.instances = List.of(new DatabaseState(database), new DatabaseState(database));
        }

        int outdated(int steps) {
            int outdated = 0;
            for (int step = 0; step < steps; step++) {
                int what = random.nextInt(100);
                if (what < 4 && database.running.size() < 8) {
                    database.begin(names(random.nextInt(3)));
                } else if (what < 8) {
                    database.end(random);
                } else if (step % 10_000 == 0) {
                    database.crash();
                } else {
                    outdated += read() ? 0 : 1;
                }
            }
            return outdated;
        }

        /** Few different sets, so that the same response is often requested again. */
        private List<String> names(int count) {
            int first = random.nextInt(OBJECTS);
            return IntStream.rangeClosed(first, first + count)
                    .mapToObj(n -> "object " + n % OBJECTS)
                    .toList();
        }

        /** Whether the response of an instance equals the database. */
        private boolean read() {
            int instance = random.nextInt(2);
            List<String> names = names(3);
            int key = names.hashCode();
            State state = Objects.requireNonNull(instances.get(instance).current());
            Map<Integer, Cached> own = local.get(instance);
            Cached cached = own.get(key);
            if (cached != null && cached.response.isCurrent(state)) {
                hits++;
                return isCurrent(cached);
            }
            cached = shared.get(key);
            CachedResponse adopted = cached == null ? null : cached.response.at(state);
            if (cached != null && adopted != null && adopted.isCurrent(state)) {
                sharedHits++;
                own.put(key, new Cached(cached.values, adopted));
                return isCurrent(cached);
            }
            // Others may commit before the response is read.
            if (random.nextInt(10) == 0) {
                database.end(random);
            }
            Map<String, Integer> values = names.stream().collect(Collectors.toMap(name -> name, database::value));
            Cached read = new Cached(
                    values,
                    new CachedResponse(
                            state.server(),
                            state.snapshot(),
                            state.version(),
                            Set.copyOf(names),
                            NEVER,
                            1,
                            0,
                            new byte[0]));
            own.put(key, read);
            // Storing may take a while: an older response may replace a newer one.
            if (random.nextBoolean()) {
                shared.put(key, read);
            }
            return true;
        }

        private boolean isCurrent(Cached cached) {
            return cached.values.entrySet().stream()
                    .allMatch(entry -> database.value(entry.getKey()) == entry.getValue());
        }
    }
}
