package dev.userdirectory.page;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The first rows between two bounds, or the last ones.
 *
 * @param after the keys of the lower bound, or null
 * @param before the keys of the upper bound, or null
 * @param inclusive whether a row with the keys of a bound is in the range
 */
record Range(
        Ordering ordering,
        @Nullable List<String> after,
        @Nullable List<String> before,
        boolean inclusive,
        boolean backward,
        int limit) {

    static Range of(PageRequest page) {
        return new Range(page.ordering(), page.after(), page.before(), false, page.backward(), page.rowsToRead());
    }

    /** The row nearest to the page among those that {@code after} excludes; null without {@code after}. */
    static @Nullable Range behind(PageRequest page) {
        return page.after() == null ? null : new Range(page.ordering(), null, page.after(), true, true, 1);
    }

    static @Nullable Range ahead(PageRequest page) {
        return page.before() == null ? null : new Range(page.ordering(), page.before(), null, true, false, 1);
    }

    /** The same range, for rows that were selected along with their keys. */
    Range ofSelected() {
        return new Range(ordering.ofSelected(), after, before, inclusive, backward, limit);
    }

    void appendCondition(StringBuilder sql, List<Object> args) {
        if (after != null) {
            sql.append(" and ").append(ordering.after(inclusive));
            args.addAll(after);
        }
        if (before != null) {
            sql.append(" and ").append(ordering.before(inclusive));
            args.addAll(before);
        }
    }

    /** The limit is a literal: if it were a parameter, PostgreSQL would plan for a tenth of the table. */
    String order(int limit) {
        return " order by " + ordering.orderBy(backward) + " limit " + limit;
    }
}
