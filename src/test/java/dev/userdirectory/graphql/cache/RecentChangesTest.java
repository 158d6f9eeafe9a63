package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** {@code -Ddirectory.test.seed=1} repeats a run. */
class RecentChangesTest {
    private static final long SEED = Long.getLong("directory.test.seed", System.nanoTime());

    private final Random random = new Random(SEED);
    private final Set<Long> running = new HashSet<>();
    private long next = 3;

    @Test
    void findsTheNewestVersionThatASnapshotIncludes() {
        long first = 7;
        Snapshot start = nextSnapshot();
        RecentChanges changes = new RecentChanges(start, first);
        Map<Long, Snapshot> versions = new HashMap<>(Map.of(first, start));
        List<Snapshot> snapshots = new ArrayList<>();
        for (int step = 0; step < 2000; step++) {
            Snapshot snapshot = nextSnapshot();
            snapshots.add(snapshot);
            // The other snapshots are those of another instance.
            if (random.nextBoolean()) {
                versions.putIfAbsent(changes.add(snapshot, changedNames()), snapshot);
            }
            Snapshot any = snapshots.get(random.nextInt(snapshots.size()));
            Optional<Long> newest = versions.entrySet().stream()
                    .filter(version -> isRemembered(version.getKey(), changes))
                    .filter(version -> any.includes(version.getValue()))
                    .map(Map.Entry::getKey)
                    .max(Long::compare);

            assertThat(Optional.ofNullable(changes.versionIn(any)))
                    .as("version in %s, with the seed %d", any, SEED)
                    .isEqualTo(newest);
        }
        assertThat(isRemembered(first, changes)).isFalse();
    }

    @Test
    void findsOnlyIncludedVersionsWhileOthersAreAddedAndForgotten() throws Exception {
        RecentChanges changes = new RecentChanges(new Snapshot(0, Set.of()), 0);
        AtomicLong added = new AtomicLong();
        Thread writer = Thread.ofPlatform().start(() -> {
            Set<String> names =
                    IntStream.range(0, 199).mapToObj(n -> "object " + n).collect(Collectors.toSet());
            // The number of a version is that of its snapshot's last transaction.
            for (long end = 1; end <= 5000; end++) {
                changes.add(new Snapshot(end, Set.of()), names);
                added.set(end);
            }
        });
        long found = 0;
        while (writer.isAlive()) {
            long end = added.get();
            Long version = changes.versionIn(new Snapshot(end, Set.of()));
            if (version != null) {
                assertThat(version).isLessThanOrEqualTo(end);
                found++;
            }
        }
        writer.join();
        assertThat(found).isPositive();
    }

    @Test
    void forgetsVersionsEarlierIfManyTransactionsAreRunning() {
        Set<Long> many = LongStream.range(3, 1003).boxed().collect(Collectors.toSet());

        assertThat(remembered(Set.of())).isEqualTo(101);
        assertThat(remembered(many)).isBetween(10L, 20L);
    }

    /** How many of 101 versions are remembered if those transactions are running all the time. */
    private static long remembered(Set<Long> running) {
        RecentChanges changes = new RecentChanges(new Snapshot(2000, running), 0);
        for (long end = 2001; end <= 2100; end++) {
            changes.add(new Snapshot(end, running), Set.of("User"));
        }
        return LongStream.rangeClosed(0, 100)
                .filter(version -> isRemembered(version, changes))
                .count();
    }

    private static boolean isRemembered(long version, RecentChanges changes) {
        return changes.areUnchanged(List.of(), version);
    }

    /** Begins and ends some transactions. */
    private Snapshot nextSnapshot() {
        if (random.nextBoolean()) {
            running.add(next++);
        } else {
            running.removeIf(transaction -> random.nextInt(10) == 0);
        }
        // Some transactions have ended already.
        next += random.nextInt(2);
        return new Snapshot(next, Set.copyOf(running));
    }

    /** Rarely null, as after a transaction with too many changes to name. */
    private @Nullable Set<String> changedNames() {
        return random.nextInt(300) == 0
                ? null
                : IntStream.range(0, random.nextInt(200))
                        .mapToObj(n -> "object " + n)
                        .collect(Collectors.toSet());
    }
}
