package dev.userdirectory.graphql.operation;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The errors that were logged with their stack traces. Each place in the code logs one stack trace per interval, so
 * that a client that has found a bug cannot fill the log with it.
 */
final class LoggedErrors {
    private static final long INTERVAL = Duration.ofSeconds(10).toNanos();

    private final Map<String, Logged> byPlace = new ConcurrentHashMap<>();

    private record Logged(String id, long time) {}

    /**
     * Returns the ID of the error whose stack trace is logged for this one: that of an earlier error at the same place,
     * or the given one.
     */
    String put(Throwable error, String id) {
        long now = System.nanoTime();
        return byPlace.compute(
                        place(error),
                        (place, last) -> last == null || now - last.time > INTERVAL ? new Logged(id, now) : last)
                .id();
    }

    /** Uses only frames of our code, since those of libraries can depend on the request. */
    private static String place(Throwable error) {
        String frame = Arrays.stream(error.getStackTrace())
                .filter(called -> called.getClassName().startsWith("dev.userdirectory."))
                .findFirst()
                .map(called -> called.getClassName() + "." + called.getMethodName() + ":" + called.getLineNumber())
                .orElse("");
        return error.getClass().getName() + " " + frame;
    }
}
