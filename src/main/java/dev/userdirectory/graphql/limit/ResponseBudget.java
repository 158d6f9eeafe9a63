package dev.userdirectory.graphql.limit;

import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import graphql.GraphQLError;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts the bytes of one operation's response as its values are completed, so that a response over the limit is never
 * built. It counts bytes of JSON in UTF-8, and each integer as the longest possible one. A large response reserves
 * memory as it grows, for its values and for its JSON.
 *
 * <p>Not synchronized: only one thread at a time completes an operation.
 */
public final class ResponseBudget {
    private static final int NULL = 4;
    private static final int INT = 11;
    /** The memory that is reserved at a time, unless more is needed. A smaller response reserves about what it needs. */
    private static final int STEP = 32 * 1024;

    private final long limit;
    private final @Nullable Reservation memory;
    private final boolean isInMessage;
    private long reserved;
    private boolean refused;
    private long used;
    private long values;
    private int countedErrors;

    /** @param isInMessage whether the response is sent as part of a message, which takes more memory */
    public ResponseBudget(long limit, @Nullable Reservation memory, boolean isInMessage) {
        this.limit = limit;
        this.memory = memory;
        this.isInMessage = isInMessage;
        reserved = Reservation.uncounted(isInMessage);
    }

    /**
     * Reserves memory for the bytes used so far, and returns true if that fails or the limit is exceeded. Then nothing
     * more needs to be completed, because the response will be an error. Also true if the thread is interrupted,
     * because its request is over.
     */
    public boolean isExceeded() {
        long needed = Reservation.memoryOfResponse(used, values, isInMessage);
        if (needed > reserved && memory != null && !refused) {
            long more = Math.max(Math.min(STEP, needed), needed - reserved);
            refused = !memory.grow(more);
            reserved += more;
        }
        return refused || used > limit || Thread.currentThread().isInterrupted();
    }

    /** Whether the response is within its limit, but there is currently no memory for it. */
    boolean isRefused() {
        return refused && used <= limit;
    }

    public long used() {
        return used;
    }

    /** Returns to an earlier count, so that values can be completed a second time. */
    public void resetTo(long used) {
        this.used = used;
    }

    public void add(long bytes) {
        used += bytes;
    }

    public void addNull() {
        values++;
        used += NULL;
    }

    /** Adds the name of a field, which is ASCII, with its quotes, colon and comma. */
    public void addName(String name) {
        used += bytesOfName(name);
    }

    public static int bytesOfName(String name) {
        return name.length() + 4;
    }

    /** @param errors all errors so far; those added before are not counted again */
    public void addErrors(List<GraphQLError> errors) {
        for (; countedErrors < errors.size(); countedErrors++) {
            addValue(errors.get(countedErrors).toSpecification());
        }
    }

    /** Adds a value in its serialized form: that of a scalar or an enum, or lists and maps of them. */
    public void addValue(@Nullable Object value) {
        values++;
        switch (value) {
            case null -> used += NULL;
            case String text -> addText(text);
            case Boolean truth -> used += 5;
            case Integer number -> used += INT;
            case Map<?, ?> fields -> {
                used += 2;
                fields.forEach((name, field) -> {
                    addText(String.valueOf(name));
                    used += 2;
                    addValue(field);
                });
            }
            case Collection<?> elements -> {
                addList(elements.size());
                elements.forEach(this::addValue);
            }
            default -> addText(value.toString());
        }
    }

    /** Adds an object with this many bytes besides its values. */
    public void addObject(long bytes) {
        values++;
        used += bytes;
    }

    /** Adds the brackets and commas of a list. */
    public void addList(int size) {
        values++;
        used += size + 2L;
    }

    private void addText(String text) {
        int length = text.length();
        used += length + 2L;
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < ' ' || c == '"' || c == '\\' || c > '~') {
                used += extraBytes(c);
            }
        }
    }

    /** The bytes that a character takes, escaped or in UTF-8, beyond the one that is already counted. */
    private static int extraBytes(char c) {
        if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t') {
            return 1;
        }
        if (c < ' ') {
            return 5; // as in \u0001
        }
        if (c < 0x80) {
            return 0;
        }
        return c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
    }
}
