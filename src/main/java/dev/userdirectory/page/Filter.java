package dev.userdirectory.page;

import java.util.List;
import java.util.stream.Stream;

/**
 * Conditions on rows that the index of the ordering cannot serve.
 *
 * @param args the values of the placeholders in the conditions
 * @param many a condition that is false only if so few rows pass that all of them can be sorted
 * @param manyArgs the values of the placeholders in {@code many}
 */
record Filter(List<String> conditions, List<?> args, String many, List<?> manyArgs) {
    static final Filter NONE = new Filter(List.of(), List.of(), "true", List.of());
    private static final String NEVER = "false";

    Filter and(String condition, Object... values) {
        return new Filter(with(conditions, condition), with(args, values), many, manyArgs);
    }

    Filter manyIf(String condition, Object... values) {
        return isWalked() || isEmpty()
                ? new Filter(conditions, args, many + " and " + condition, with(manyArgs, values))
                : this;
    }

    Filter few() {
        return new Filter(conditions, args, NEVER, List.of());
    }

    boolean isEmpty() {
        return conditions.isEmpty();
    }

    /** Whether walking the index of the ordering may pay off. */
    boolean isWalked() {
        return !isEmpty() && !many.equals(NEVER);
    }

    @SafeVarargs
    static <E> List<E> with(List<? extends E> list, E... more) {
        return Stream.concat(list.stream(), Stream.of(more)).toList();
    }
}
