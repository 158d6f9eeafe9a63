package dev.userdirectory.page;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement that reads pages of the same rows. Each of its branches reads one page, or one for each of many parents,
 * by seeking in the index of the page's ordering.
 *
 * <p>With a filter, seeking in that index also visits rows that do not pass the filter. If many rows pass, the page is
 * soon full. If few pass, the filter's own index finds them, and they are quickly sorted. Which case applies depends on
 * the cursor, and statistics do not reveal it. So a limited number of rows is walked first, and if these do not fill
 * the page, the filter's index is used. If few rows are known to pass, none are walked.
 */
final class PageStatement<T> {
    private static final String ROWS_ALONE =
            "select 0 as branch, 1 as n, false as behind, false as ahead, null::bigint as total, page.* from (";
    private static final int WALK = 1000;
    private static final int WALK_PER_ROW = 100;

    final Rows<T> rows;
    /** The page that each branch reads. */
    final List<PageRequest> requests = new ArrayList<>();

    private final StringBuilder sql = new StringBuilder();
    private final List<Object> args = new ArrayList<>();
    private boolean planAnew;

    PageStatement(Rows<T> rows) {
        this.rows = rows;
    }

    /**
     * Appends a page whose rows are all that is requested. If the page is empty, the statement returns no row at all.
     */
    void appendRowsAlone(PageRequest request) {
        requests.add(request);
        sql.append(ROWS_ALONE);
        if (rows.filter().isEmpty()) {
            appendRows(Range.of(request));
        } else {
            appendFound(Range.of(request));
        }
        sql.append(") page");
    }

    /**
     * Appends a page of the walked rows that pass the filter. Rows behind the page are found by walking, too. If the
     * page is not full, the statement returns no row at all.
     */
    void appendWalked(PageRequest request) {
        requests.add(request);
        Range range = Range.of(request);
        sql.append("with near as materialized (");
        appendWalk(range);
        sql.append(") select 0 as branch, 1 as n, ");
        appendWalkedExists(request.previousPage() ? Range.behind(request) : null);
        sql.append(" as behind, ");
        appendWalkedExists(request.nextPage() ? Range.ahead(request) : null);
        sql.append(" as ahead, null::bigint as total, near.* from near where ").append(nearIsFull(range));
    }

    private static String nearIsFull(Range range) {
        return "exists (select from near offset " + (range.limit() - 1) + ")";
    }

    /** Appends a page for each row of {@code parents}, with everything that is requested. */
    void append(PageRequest request, String parents, List<?> parentArgs) {
        sql.append(requests.isEmpty() ? "" : " union all ")
                .append("select ")
                .append(requests.size())
                .append(" as branch, parent.n, pages.* from ")
                .append(parents)
                .append(" cross join lateral (");
        args.addAll(parentArgs);
        requests.add(request);
        appendAllFound(request.ordering());
        sql.append("select more.*, page.* from (select ");
        appendExists(request.previousPage() ? Range.behind(request) : null);
        sql.append(" as behind, ");
        appendExists(request.nextPage() ? Range.ahead(request) : null);
        sql.append(" as ahead, ");
        appendTotal(request.totalCount());
        // The offset makes PostgreSQL compute these values once for each parent, and not for each of its rows.
        sql.append(" as total offset 0) more left join lateral (");
        appendRows(Range.of(request));
        sql.append(") page on true) pages");
    }

    /** If few rows are known to pass the filter, finds them once for the page, the rows around it and the count. */
    private void appendAllFound(Ordering ordering) {
        if (isFoundOnce()) {
            sql.append("with found as materialized (");
            appendSelect(ordering);
            sql.append(", true");
            appendFrom();
            appendFilter();
            sql.append(") ");
        }
    }

    private boolean isFoundOnce() {
        return !rows.filter().isEmpty() && !rows.filter().isWalked();
    }

    private void appendExists(@Nullable Range range) {
        if (range == null) {
            sql.append("false");
            return;
        }
        sql.append("exists (select from (");
        appendRows(range);
        sql.append(") nearest)");
    }

    private void appendWalkedExists(@Nullable Range range) {
        if (range == null) {
            sql.append("false");
            return;
        }
        sql.append("exists (select from (");
        appendWalk(range);
        sql.append(") nearest)");
    }

    private void appendTotal(boolean wanted) {
        if (!wanted) {
            sql.append("null::bigint");
        } else if (rows.count() != null) {
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

    private void appendRows(Range range) {
        if (rows.filter().isEmpty() || range.limit() == 0) {
            appendSelect(range.ordering());
            sql.append(rows.filter().isEmpty() ? "" : ", true"); // the same columns as with a filter
            appendFrom(range);
            sql.append(range.order(range.limit()));
            return;
        }
        if (isFoundOnce()) {
            sql.append("select * from found where true");
            range.ofSelected().appendCondition(sql, args);
            sql.append(range.order(range.limit()));
            return;
        }
        sql.append("with near as materialized (");
        appendWalk(range);
        String full = nearIsFull(range);
        sql.append(") select * from near where ").append(full).append(" union all (");
        appendFound(range, "not " + full);
        sql.append(")");
    }

    private void appendFound(Range range) {
        appendFound(range, "true");
    }

    private void appendFound(Range range, String condition) {
        sql.append("select * from (");
        appendSelect(range.ordering());
        sql.append(", true");
        appendFrom(range);
        appendFilter();
        // The offset keeps the order out of the subquery, so that the ordering's index is not walked again.
        sql.append(" offset 0) found where ").append(condition).append(range.order(range.limit()));
    }

    private void appendWalk(Range range) {
        sql.append("select * from (");
        appendSelect(range.ordering());
        // Tested separately, row by row: PostgreSQL might look up all rows of an "exists" at once, possibly many.
        sql.append(", passes from ")
                .append(rows.from())
                .append(" cross join lateral (select ")
                .append(String.join(" and ", rows.filter().conditions()))
                .append(" as passes offset 0) tested where ")
                .append(rows.where());
        args.addAll(rows.filter().args());
        args.addAll(rows.whereArgs());
        range.appendCondition(sql, args);
        args.addAll(rows.filter().manyArgs());
        sql.append(" and ")
                .append(rows.filter().many())
                .append(range.order(WALK + WALK_PER_ROW * range.limit()))
                .append(") walked where passes")
                .append(range.order(range.limit()));
    }

    private void appendSelect(Ordering ordering) {
        sql.append("select ").append(ordering.select()).append(", ").append(rows.columns());
    }

    private void appendFrom(Range range) {
        appendFrom();
        range.appendCondition(sql, args);
    }

    private void appendFrom() {
        sql.append(" from ").append(rows.from()).append(" where ").append(rows.where());
        args.addAll(rows.whereArgs());
    }

    private void appendFilter() {
        // One plan for all values of a filter would be bad for most of them. A walk does not use an index of the
        // filter, so it can keep its plan.
        planAnew |= !rows.filter().isEmpty();
        rows.filter().conditions().forEach(condition -> sql.append(" and ").append(condition));
        args.addAll(rows.filter().args());
    }

    /** Whether PostgreSQL must plan every execution anew, for the values in the filter. */
    boolean isPlannedAnew() {
        return planAnew;
    }

    String sql() {
        return sql + " order by branch, n, " + requests.getFirst().ordering().orderBy(false);
    }

    Object[] args() {
        return args.toArray();
    }
}
