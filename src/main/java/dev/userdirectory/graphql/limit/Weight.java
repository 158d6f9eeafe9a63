package dev.userdirectory.graphql.limit;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Estimates the heap size of cached objects in bytes, erring on the high side. */
public final class Weight {
    /** An entry of a cache, with its place in the hash table and in the eviction queues. */
    public static final int ENTRY = 200;
    /** An object with a few fields. */
    public static final int OBJECT = 40;

    private static final int STRING = 48;
    private static final int COLLECTION = 120;
    private static final int MAP_ENTRY = 60;
    /** An element of a list; a set needs a node in its hash table as well. */
    private static final int ELEMENT = 6;

    private static final int ELEMENT_OF_SET = 50;
    private static final int NUMBER = 24;
    private static final int BIG_NUMBER = 160;

    private Weight() {}

    /** The sum as a weigher returns it, limited to the largest int. */
    public static int sum(long bytes) {
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }

    public static long of(@Nullable String text) {
        return text == null ? 0 : STRING + 2L * text.length();
    }

    /** The weight of a JSON value, with the keys of its objects. */
    public static long ofJson(@Nullable Object value) {
        return switch (value) {
            case null -> 0;
            case String text -> of(text);
            case Map<?, ?> fields -> {
                long sum = COLLECTION;
                for (Map.Entry<?, ?> field : fields.entrySet()) {
                    sum += MAP_ENTRY + ofJson(field.getKey()) + ofJson(field.getValue());
                }
                yield sum;
            }
            case Collection<?> list -> {
                long sum = COLLECTION;
                int each = list instanceof Set<?> ? ELEMENT_OF_SET : ELEMENT;
                for (Object element : list) {
                    sum += each + ofJson(element);
                }
                yield sum;
            }
            case BigInteger number -> BIG_NUMBER + number.bitLength() / 8;
            case BigDecimal number -> BIG_NUMBER + number.unscaledValue().bitLength() / 8;
            default -> NUMBER;
        };
    }
}
