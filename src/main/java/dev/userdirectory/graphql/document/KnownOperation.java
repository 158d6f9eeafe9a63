package dev.userdirectory.graphql.document;

import dev.userdirectory.graphql.cache.CachePolicy;
import dev.userdirectory.graphql.limit.Weight;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** An operation of a {@link KnownDocument} that has been executed before. */
public final class KnownOperation {
    private static final int SHAPE = 4 * Weight.OBJECT;

    private final @Nullable String name;
    private final String type;
    private final String hash;
    /** The keys are results of {@link #form}. */
    private final Map<Object, Shape> shapes = new ConcurrentHashMap<>(1);

    private volatile long bytes;
    private volatile CachePolicy policy = CachePolicy.UNKNOWN;

    /** The cost and the cache policy of the operation with variables of one form. */
    public record Shape(long cost, CachePolicy policy) {}

    KnownOperation(@Nullable String name, String type, String hash) {
        this.name = name;
        this.type = type;
        this.hash = hash;
    }

    /** Null if the operation has no name. */
    public @Nullable String name() {
        return name;
    }

    /** {@code query}, {@code mutation} or {@code subscription}. */
    public String type() {
        return type;
    }

    /** See {@link #hash(String, String)}. */
    public String hash() {
        return hash;
    }

    /** Identifies an operation in the keys of its cached responses, so that the keys need not hold its text. */
    public static String hash(String document, @Nullable String operationName) {
        String name = operationName == null ? "-" : operationName.length() + operationName;
        return Sha256.hex(name + " " + document);
    }

    /** The policy for looking up cached responses: the policy of the first response without errors. */
    public CachePolicy policy() {
        return policy;
    }

    public void setPolicy(CachePolicy policy) {
        this.policy = policy;
    }

    @Nullable
    Shape shape(Object form) {
        return shapes.get(form);
    }

    /**
     * Clears the shapes when they take up too much memory: a client that sends so many hardly benefits from caching
     * them.
     */
    synchronized void add(Object form, Shape shape, long maxBytes) {
        long added = SHAPE + Weight.ofJson(form);
        if (bytes + added > maxBytes) {
            shapes.clear();
            bytes = 0;
        }
        if (added <= maxBytes && shapes.put(form, shape) == null) {
            bytes += added;
        }
    }

    /** An estimate of the memory of the operation. */
    long bytes() {
        return 6L * Weight.OBJECT + Weight.of(name) + Weight.of(hash) + bytes;
    }

    /**
     * Reduces variables to the parts on which cost and cache policy depend: numbers, booleans and the lengths of lists,
     * but no text. A list becomes the forms of its elements, each followed by how many times in a row it occurs.
     */
    static Object form(Map<String, Object> variables) {
        return variables.isEmpty() ? Map.of() : Objects.requireNonNull(formOf(variables));
    }

    private static @Nullable Object formOf(@Nullable Object value) {
        return switch (value) {
            case Map<?, ?> fields -> {
                Map<Object, @Nullable Object> forms = HashMap.newHashMap(fields.size());
                fields.forEach((name, field) -> forms.put(name, formOf(field)));
                yield forms;
            }
            case Collection<?> list -> formOf(list);
            case Integer number -> number;
            case Boolean condition -> condition;
            case null -> null;
            default -> "";
        };
    }

    private static List<@Nullable Object> formOf(Collection<?> list) {
        List<@Nullable Object> forms = new ArrayList<>(2);
        Object repeated = null;
        int times = 0;
        for (Object element : list) {
            Object form = formOf(element);
            if (times > 0 && !Objects.equals(form, repeated)) {
                forms.add(repeated);
                forms.add(times);
                times = 0;
            }
            repeated = form;
            times++;
        }
        forms.add(repeated);
        forms.add(times);
        return forms;
    }
}
