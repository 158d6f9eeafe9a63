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
    private static final String ONLY_ROWS =
            "select 0 as branch, 1 as n, false as behind, false as ahead, null::bigint as total, page.* from (";

    final Rows<T> rows;
    /** The page that each branch reads. */
    final List<PageRequest> requests = new ArrayList<>();

    private final RowsSql sql;

    PageStatement(Rows<T> rows) {
        this.rows = rows;
        this.sql = new RowsSql(rows);
    }

    /**
     * Appends a page whose rows are all that is requested. If the page is empty, the statement returns no row at all.
     */
    void appendOnlyRows(PageRequest request) {
        requests.add(request);
        sql.append(ONLY_ROWS);
        if (rows.filter().isEmpty()) {
            sql.appendRows(Range.of(request));
        } else {
            sql.appendFound(Range.of(request), "true");
        }
        sql.append(") page");
    }

    /**
     * Appends a page of the walked rows that pass the filter. Rows behind the page are found by walking, too. If the walk
     * is too short to fill the page or to reach the end of the range, the statement returns no row at all.
     */
    void appendWalked(PageRequest request) {
        requests.add(request);
        Range range = Range.of(request);
        sql.append("with walked as materialized (");
        sql.appendWalk(range);
        sql.append("), near as materialized (select * from walked where passes")
                .append(range.order(range.limit()))
                .append(") select 0 as branch, 1 as n, ");
        appendWalkedExists(request.previousPage() ? Range.behind(request) : null);
        sql.append(" as behind, ");
        appendWalkedExists(request.nextPage() ? Range.ahead(request) : null);
        sql.append(" as ahead, null::bigint as total, near.* from (values (1)) page left join near on true where ")
                .append(RowsSql.isFull(range))
                .append(" or (");
        sql.appendMany();
        sql.append(" and not exists (select from walked offset " + (RowsSql.walked(range) - 1) + "))");
    }

    private void appendWalkedExists(@Nullable Range range) {
        if (range == null) {
            sql.append("false");
            return;
        }
        sql.append("exists (select from (");
        sql.appendWalk(range);
        sql.append(") walked where passes)");
    }

    /** Appends a page for each row of {@code parents}, with everything that is requested. */
    void append(PageRequest request, String parents, List<?> parentArgs) {
        sql.append(requests.isEmpty() ? "" : " union all ")
                .append("select " + requests.size())
                .append(" as branch, parent.n, pages.* from ")
                .append(parents)
                .append(" cross join lateral (")
                .add(parentArgs);
        requests.add(request);
        sql.appendAllFound(request.ordering());
        sql.append("select more.*, page.* from (select ");
        appendExists(request.previousPage() ? Range.behind(request) : null);
        sql.append(" as behind, ");
        appendExists(request.nextPage() ? Range.ahead(request) : null);
        sql.append(" as ahead, ");
        if (request.totalCount()) {
            sql.appendCount();
        } else {
            sql.append("null::bigint");
        }
        // The offset makes PostgreSQL compute these values once for each parent, and not for each of its rows.
        sql.append(" as total offset 0) more left join lateral (");
        sql.appendRows(Range.of(request));
        sql.append(") page on true) pages");
    }

    private void appendExists(@Nullable Range range) {
        if (range == null) {
            sql.append("false");
            return;
        }
        sql.append("exists (select from (");
        sql.appendRows(range);
        sql.append(") nearest)");
    }

    /** Whether PostgreSQL must plan every execution anew, for the values in the filter. */
    boolean isPlannedAnew() {
        return sql.isPlannedAnew();
    }

    String sql() {
        return sql + " order by branch, n, " + requests.getFirst().ordering().orderBy(false);
    }

    Object[] args() {
        return sql.args();
    }
}
