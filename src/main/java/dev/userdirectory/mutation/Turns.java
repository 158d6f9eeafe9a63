package dev.userdirectory.mutation;

import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Lets requests with the same key run one after the other. If all of them waited for PostgreSQL's lock on the key, each would
 * occupy a connection.
 */
final class Turns {
    private final Map<String, Turn> taken = new ConcurrentHashMap<>();

    private static class Turn {
        final ReentrantLock lock = new ReentrantLock(true);
        int users;
    }

    <T> T take(String key, Supplier<T> work) {
        Turn turn = taken.compute(key, (same, known) -> {
            Turn shared = known == null ? new Turn() : known;
            shared.users++;
            return shared;
        });
        try {
            turn.lock.lockInterruptibly();
            try {
                return work.get();
            } finally {
                turn.lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted");
        } finally {
            taken.compute(key, (same, known) -> --turn.users == 0 ? null : turn);
        }
    }
}
