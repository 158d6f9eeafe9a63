package dev.userdirectory.graphql.limit;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Estimates how many bytes something takes in the heap, rather too many than too few, to weigh what a cache retains. */
public final class Weight {
    /** An entry of a cache, with its place in the hash table and in the queues by which entries are evicted. */
    public static final int ENTRY = 200;
    /** An object with a few fields. */
    public static final int OBJECT = 40;

    private static final int STRING = 48;
    private static final int COLLECTION = 120;
    private static final int MAP_ENTRY = 60;
    /** In a list or, with a node in a hash table, in a set. */
    private static final int ELEMENT = 6;

    private static final int ELEMENT_OF_SET = 50;
    private static final int NUMBER = 24;
    private static final int BIG_NUMBER = 160;

    private Weight() {}

    /** As a weigher returns it. */
    public static int sum(long bytes) {
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }

    public static long of(@Nullable String text) {
        return text == null ? 0 : STRING + 2L * text.length();
    }

    /** Of a value as JSON has it, with the keys of its objects. */
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
