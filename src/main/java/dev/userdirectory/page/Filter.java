package dev.userdirectory.page;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Conditions on rows that the index of the ordering cannot serve.
 *
 * @param args the values of the placeholders in the conditions
 * @param isFew whether few rows are known to pass
 * @param column a column of the rows
 * @param sets queries for values of the column, each with the values of all rows that pass; if one of them returns few
 *     values, only few rows pass
 * @param setArgs the values of the placeholders in these queries
 */
record Filter(List<String> conditions, List<?> args, boolean isFew, String column, List<String> sets, List<?> setArgs) {
    static final Filter NONE = new Filter(List.of(), List.of(), false, "", List.of(), List.of());

    Filter and(String condition, Object... values) {
        return new Filter(with(conditions, condition), with(args, values), isFew, column, sets, setArgs);
    }

    Filter among(String column, String set, Object... values) {
        return new Filter(conditions, args, isFew, column, with(sets, set), with(setArgs, values));
    }

    Filter few() {
        return new Filter(conditions, args, true, column, sets, setArgs);
    }

    boolean isEmpty() {
        return conditions.isEmpty();
    }

    /** Whether walking the index of the ordering may pay off. */
    boolean isWalked() {
        return !isEmpty() && !isFew;
    }

    /** A condition that is false only if so few rows pass that all of them can be sorted. */
    String many() {
        return sets.isEmpty()
                ? "true"
                : sets.stream()
                        .map(set -> "exists (" + set + " offset " + Rows.FEW + ")")
                        .collect(Collectors.joining(" and "));
    }

    /**
     * A condition that is true for every row that passes, if {@link #many} is false: whether the column has a value
     * from a set of few. An array, unlike a join, makes PostgreSQL look up each row instead of reading all rows.
     */
    String isCandidate() {
        return sets.stream()
                .map(set -> "(select unnest(a) from (select array(" + set + " limit " + (Rows.FEW + 1)
                        + ")) s (a) where cardinality(a) <= " + Rows.FEW + ")")
                .collect(Collectors.joining(" union all ", column + " = any(array(", "))"));
    }

    @SafeVarargs
    static <E> List<E> with(List<? extends E> list, E... more) {
        return Stream.concat(list.stream(), Stream.of(more)).toList();
    }
}
