package dev.userdirectory.graphql.limit;

import dev.userdirectory.graphql.scope.Caller;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.security.core.Authentication;
import org.springframework.stereotype.Component;

/**
 * The part of the heap that requests may take, from their first byte until the last byte of their response was sent. A
 * caller never holds more than is left for the others, so that slow clients with large bodies or large responses
 * cannot shut everybody else out. All callers without a token count as one.
 */
@Component
public class RequestMemory {
    private static final String ANONYMOUS = "";

    private final Map<String, Long> held = new HashMap<>();
    private long free;

    @Autowired
    RequestMemory(Limits limits) {
        this((long) (limits.memory() * Runtime.getRuntime().maxMemory()));
    }

    RequestMemory(long bytes) {
        free = bytes;
    }

    /** Opens a reservation of nothing yet. */
    public Reservation open(@Nullable Authentication authentication) {
        return new Reservation(
                authentication == null || Caller.isAnonymous(authentication)
                        ? ANONYMOUS
                        : Objects.requireNonNullElse(authentication.getName(), ANONYMOUS));
    }

    /** Opens a reservation of nothing yet. */
    public Reservation openFor(Caller caller) {
        return new Reservation(caller.subject());
    }

    private synchronized boolean take(String account, long bytes) {
        long now = held.getOrDefault(account, 0L) + bytes;
        if (now > free - bytes) {
            return false;
        }
        held.put(account, now);
        free -= bytes;
        return true;
    }

    private synchronized void giveBack(String account, long bytes) {
        held.computeIfPresent(account, (same, now) -> now == bytes ? null : Long.valueOf(now - bytes));
        free += bytes;
    }

    /** What one request, message or event holds. */
    public final class Reservation implements AutoCloseable {
        /** The attribute of requests that carries their reservation. */
        public static final String ATTRIBUTE = "dev.userdirectory.reservation";

        /** Smaller responses are not counted: they take no more than their connection does. */
        static final int UNCOUNTED_RESPONSE = 8 * 1024;
        /** The values of a response, and their JSON. */
        private static final int COPIES_OF_RESPONSE = 2;

        /** JSON itself, and its parts as strings, which take two bytes for a character that is not in Latin-1. */
        private static final long MEMORY_PER_CHARACTER = 3;
        /** An object with one member, and the same object again once it is coerced to an input type. */
        private static final long MEMORY_PER_VALUE = 512;

        private final String account;
        private long bytes;
        private long bytesForJson;
        private boolean closed;

        private Reservation(String account) {
            this.account = account;
        }

        /**
         * Reserves more.
         *
         * @return false if the caller would hold too much, or the reservation is closed
         */
        public synchronized boolean grow(long more) {
            if (closed || !take(account, more)) {
                return false;
            }
            bytes += more;
            return true;
        }

        /** The same for a response, or a part of one, by its bytes of JSON. A small one is not counted. */
        public boolean growForResponse(long bytesOfJson) {
            return bytesOfJson <= UNCOUNTED_RESPONSE || grow(COPIES_OF_RESPONSE * bytesOfJson);
        }

        /**
         * The same for the JSON that the client sends, with what it becomes once it is parsed.
         *
         * @param characters of all that was received so far
         * @param values in it
         */
        public synchronized boolean growForJson(int characters, int values) {
            long needed = MEMORY_PER_CHARACTER * characters + MEMORY_PER_VALUE * values;
            long more = needed - bytesForJson;
            bytesForJson = needed;
            return grow(more);
        }

        /** Gives everything back; the reservation can be used again. */
        public synchronized void clear() {
            bytesForJson = 0;
            if (bytes > 0) {
                giveBack(account, bytes);
                bytes = 0;
            }
        }

        /** Gives everything back. Whoever still works for a request that is over gets no more. */
        @Override
        public synchronized void close() {
            clear();
            closed = true;
        }

        /** Runs a task that may use this reservation until it ends. */
        public Runnable during(Runnable task) {
            return () -> {
                try {
                    task.run();
                } finally {
                    close();
                }
            };
        }
    }
}
