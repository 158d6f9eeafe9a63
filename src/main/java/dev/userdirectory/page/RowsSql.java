package dev.userdirectory.page;

import java.util.ArrayList;
import java.util.List;

/** Builds the SQL of a page statement, together with the values of its placeholders. */
final class RowsSql {
    private static final int WALK = 1000;
    private static final int WALK_PER_ROW = 100;

    private final Rows<?> rows;
    private final Filter filter;
    private final StringBuilder sql = new StringBuilder();
    private final List<Object> args = new ArrayList<>();
    private boolean planAnew;

    RowsSql(Rows<?> rows) {
        this.rows = rows;
        this.filter = rows.filter();
    }

    RowsSql append(String text) {
        sql.append(text);
        return this;
    }

    void add(List<?> values) {
        args.addAll(values);
    }

    /** The rows in a range that pass the filter. */
    void appendRows(Range range) {
        if (filter.isEmpty() || range.limit() == 0) {
            appendSelect(range.ordering());
            sql.append(filter.isEmpty() ? "" : ", true"); // the same columns as with a filter
            appendFrom();
            range.appendCondition(sql, args);
            sql.append(range.order(range.limit()));
            return;
        }
        if (isFoundOnce()) {
            sql.append("select * from found where true");
            range.ofSelected().appendCondition(sql, args);
            sql.append(range.order(range.limit()));
            return;
        }
        sql.append("with near as materialized (select * from (");
        appendWalk(range);
        sql.append(") walked where passes")
                .append(range.order(range.limit()))
                .append(") select * from near where ")
                .append(isFull(range))
                .append(" union all (");
        appendFound(range, "not " + isFull(range));
        sql.append(")");
    }

    /** An SQL condition: whether {@code near} has as many rows as the range may have. */
    static String isFull(Range range) {
        return "exists (select from near offset " + (range.limit() - 1) + ")";
    }

    /** If few rows are known to pass the filter, finds them once for the page, the rows around it and the count. */
    void appendAllFound(Ordering ordering) {
        if (isFoundOnce()) {
            sql.append("with found as materialized (");
            appendAnyFound(new Range(ordering, null, null, false, false, 0));
            sql.append(") ");
        }
    }

    private boolean isFoundOnce() {
        return !filter.isEmpty() && !filter.isWalked();
    }

    void appendCount() {
        if (rows.count() != null) {
            sql.append(rows.count());
        } else if (isFoundOnce()) {
            sql.append("(select count(*) from found)");
        } else {
            sql.append("(select count(*)");
            appendFrom();
            appendFilter();
            sql.append(")");
        }
    }

    /** The rows in a range that an index of the filter finds, if the condition is true. */
    void appendFound(Range range, String condition) {
        sql.append("select * from (");
        appendAnyFound(range);
        sql.append(") found where ").append(condition).append(range.order(range.limit()));
    }

    /** The rows between the bounds of a range, without its limit. PostgreSQL executes only one side of the union. */
    private void appendAnyFound(Range range) {
        if (!filter.sets().isEmpty()) {
            appendPassing(range);
            sql.append(" and not (");
            appendMany();
            sql.append(") and ").append(filter.isCandidate()).append(" offset 0) union all ");
            args.addAll(filter.setArgs());
        }
        appendPassing(range);
        sql.append(" and ");
        appendMany();
        // The offset keeps the order out of the subquery, so that the ordering's index is not walked again.
        sql.append(" offset 0)");
    }

    private void appendPassing(Range range) {
        sql.append("(");
        appendSelect(range.ordering());
        sql.append(", true");
        appendFrom();
        range.appendCondition(sql, args);
        appendFilter();
    }

    /** The first rows in a range, each with the column {@code passes}; none if few rows are known to pass the filter. */
    void appendWalk(Range range) {
        appendSelect(range.ordering());
        // Tested separately, row by row: PostgreSQL might look up all rows of an "exists" at once, possibly many.
        sql.append(", passes from ")
                .append(rows.from())
                .append(" cross join lateral (select ")
                .append(String.join(" and ", filter.conditions()))
                .append(" as passes offset 0) tested where ")
                .append(rows.where());
        args.addAll(filter.args());
        args.addAll(rows.whereArgs());
        range.appendCondition(sql, args);
        sql.append(" and ");
        appendMany();
        sql.append(range.order(walked(range)));
    }

    /** The maximum number of rows to walk. */
    static int walked(Range range) {
        return WALK + WALK_PER_ROW * range.limit();
    }

    /** A condition that is false only if few rows pass the filter. */
    void appendMany() {
        sql.append(filter.many());
        args.addAll(filter.setArgs());
    }

    private void appendSelect(Ordering ordering) {
        sql.append("select ").append(ordering.select()).append(", ").append(rows.columns());
    }

    private void appendFrom() {
        sql.append(" from ").append(rows.from()).append(" where ").append(rows.where());
        args.addAll(rows.whereArgs());
    }

    private void appendFilter() {
        // One plan for all values of a filter would be bad for most of them. A walk does not use an index of the
        // filter, so it can keep its plan.
        planAnew |= !filter.isEmpty();
        filter.conditions().forEach(condition -> sql.append(" and ").append(condition));
        args.addAll(filter.args());
    }

    boolean isPlannedAnew() {
        return planAnew;
    }

    Object[] args() {
        return args.toArray();
    }

    @Override
    public String toString() {
        return sql.toString();
    }
}
