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
 * Limits the part of the heap that requests may use, from their first byte until the last byte of their response is
 * sent. A caller never holds more than is left for the others, so slow clients with large bodies or large responses
 * cannot lock the others out. All callers without a token count as one.
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

    /** Opens an empty reservation. */
    public Reservation open(@Nullable Authentication authentication) {
        return new Reservation(
                authentication == null || Caller.isAnonymous(authentication)
                        ? ANONYMOUS
                        : Objects.requireNonNullElse(authentication.getName(), ANONYMOUS));
    }

    /** Opens an empty reservation. */
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

    /** The memory that one request, message or event holds. */
    public final class Reservation implements AutoCloseable {
        /** Less memory for a response is not counted: it is no more than what its connection takes up. */
        private static final int UNCOUNTED_RESPONSE = 32 * 1024;
        /** The strings of a response have its characters, and so does its JSON. */
        private static final int COPIES_OF_RESPONSE = 2;
        /** A message is encoded in parts of two bytes for each character, and then as one string. */
        private static final int COPIES_IN_MESSAGE = 5;
        /** An entry of a map, its value, and what graphql-java keeps until the operation is completed. */
        private static final long MEMORY_PER_RESPONSE_VALUE = 100;

        /** The JSON itself, and its strings, which take two bytes for each character that is not in Latin-1. */
        private static final long MEMORY_PER_CHARACTER = 3;
        /** An object with one member, and the copy that is made when it is coerced to an input type. */
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

        /** The memory of a response until it has been sent, in bytes. */
        static long memoryOfResponse(long bytesOfJson, long values, boolean isInMessage) {
            int copies = isInMessage ? COPIES_IN_MESSAGE : COPIES_OF_RESPONSE;
            return copies * bytesOfJson + MEMORY_PER_RESPONSE_VALUE * values;
        }

        /**
         * The memory of a response that is not counted, in bytes: none in messages, because a socket may have many of
         * them at a time.
         */
        static long uncounted(boolean isInMessage) {
            return isInMessage ? 0 : UNCOUNTED_RESPONSE;
        }

        /** Like {@link #grow}, for a response that already is JSON. */
        public boolean growForWritten(long bytesOfJson, boolean isInMessage) {
            long needed = memoryOfResponse(bytesOfJson, 0, isInMessage);
            return needed <= uncounted(isInMessage) || grow(needed);
        }

        /**
         * Like {@link #grow}, for JSON from the client, including the values that it is parsed into.
         *
         * @param characters the characters received so far
         * @param values the values in these characters
         */
        public synchronized boolean growForJson(int characters, int values) {
            long needed = MEMORY_PER_CHARACTER * characters + MEMORY_PER_VALUE * values;
            long more = needed - bytesForJson;
            bytesForJson = needed;
            return grow(more);
        }

        /** Releases everything; the reservation can be used again. */
        public synchronized void clear() {
            bytesForJson = 0;
            if (bytes > 0) {
                giveBack(account, bytes);
                bytes = 0;
            }
        }

        /** Releases everything. Work that still runs for the finished request cannot reserve more. */
        @Override
        public synchronized void close() {
            clear();
            closed = true;
        }

        /** Wraps a task so that the reservation is closed when the task ends. */
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
