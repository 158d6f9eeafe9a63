package dev.userdirectory.graphql.cache;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The transactions that a statement sees: a {@code pg_snapshot} of PostgreSQL.
 *
 * @param end the first transaction that, like all later ones, is not seen
 * @param running the transactions before {@code end} that are not seen either
 */
public record Snapshot(long end, Set<Long> running) {
    public static Snapshot parse(String text) {
        String[] parts = text.split(":", -1);
        Set<Long> running = parts[2].isEmpty()
                ? Set.of()
                : Arrays.stream(parts[2].split(",")).map(Long::valueOf).collect(Collectors.toSet());
        return new Snapshot(Long.parseLong(parts[1]), running);
    }

    public boolean sees(long transaction) {
        return transaction < end && !running.contains(transaction);
    }

    /** Whether this snapshot sees every transaction that the other one sees. */
    boolean includes(Snapshot other) {
        long unseenByOther =
                other.running.stream().filter(transaction -> transaction >= end).count();
        return unseenByOther >= other.end - end && running.stream().noneMatch(other::sees);
    }
}
