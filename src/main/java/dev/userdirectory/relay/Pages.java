package dev.userdirectory.relay;

import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.database.SharedCall;
import dev.userdirectory.relay.Connection.Edge;
import graphql.GraphQLContext;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGStatement;
import org.springframework.jdbc.core.ArgumentPreparedStatementSetter;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.stereotype.Component;

/**
 * Reads pages. One statement reads any number of parents, arguments and counts. In it, each page is one seek in an
 * index, which reads one row more than the page has; that row tells whether there is a next page. The rows of a list
 * are counted once, however many of its pages are requested with {@code totalCount}.
 *
 * <p>If rows are filtered, that index also leads past rows that do not pass. If many rows pass, the page is soon full.
 * If few pass, the filter has an index of its own, and they are soon sorted. Which case it is differs from cursor to
 * cursor, and statistics do not tell. So some rows are walked, and unless these fill the page, the filter's index is
 * used. If only rows are requested, the walk is a statement of its own, prepared once for all filters.
 */
@Component
public class Pages {
    private static final String ROWS_ALONE =
            "select 0 as branch, 1 as n, false as behind, false as ahead, null::bigint as total, page.* from (";
    private static final int WALK = 1000;
    private static final int WALK_PER_ROW = 100;

    private final ReadDatabase reads;
    private final Cursors cursors;

    private final SharedCall<Page, Connection<?>> pages;
    private final SharedCall<PagesOfParents, Map<OfParent, ? extends Connection<?>>> pagesOfParents;

    Pages(ReadDatabase reads, Cursors cursors) {
        this.reads = reads;
        this.cursors = cursors;
        pages = new SharedCall<>(page -> reads.query(jdbc -> load(jdbc, page.rows, page.request)));
        pagesOfParents = new SharedCall<>(all -> reads.query(jdbc -> load(jdbc, all.rows, all.keys)));
    }

    private record Page(Rows<?> rows, PageRequest request) {}

    private record PagesOfParents(Rows<?> rows, Set<OfParent> keys) {}

    /** A page of a connection that belongs to an object; the key of a data loader. */
    public record OfParent(UUID parent, PageRequest request) {
        private OfParent withoutTotalCount() {
            return new OfParent(parent, request.withoutTotalCount());
        }

        private OfParent ofTotalCountAlone() {
            return new OfParent(parent, request.ofTotalCountAlone());
        }
    }

    /**
     * The totals that an operation has counted so far, under this class in the GraphQL context: each alias of a root
     * field is a data fetcher of its own, and they run one after the other.
     */
    private record Counts(Map<Rows<?>, Integer> totals) {}

    /** Concurrent requests for the same page share one statement. */
    public <T> Connection<T> load(Rows<T> rows, PageRequest request, GraphQLContext operation) {
        if (!request.totalCount()) {
            return load(rows, request);
        }
        Map<Rows<?>, Integer> totals = operation
                .computeIfAbsent(Counts.class, key -> new Counts(new ConcurrentHashMap<>()))
                .totals();
        Integer known = totals.get(rows);
        if (known != null) {
            return load(rows, request.withoutTotalCount()).withTotalCount(known);
        }
        Connection<T> page = load(rows, request);
        totals.put(rows, Objects.requireNonNull(page.totalCount()));
        return page;
    }

    @SuppressWarnings("unchecked")
    private <T> Connection<T> load(Rows<T> rows, PageRequest request) {
        return (Connection<T>) pages.load(new Page(rows, request));
    }

    /** For rows that are compared with what only the primary knows. */
    public <T> Connection<T> loadFromPrimary(Rows<T> rows, PageRequest request) {
        return reads.fromPrimary(jdbc -> load(jdbc, rows, request));
    }

    private <T> Connection<T> load(JdbcTemplate jdbc, Rows<T> rows, PageRequest request) {
        if (request.rowsToRead() == 0 && request.isOfRowsAlone()) {
            return new PageBuilder<T>(request, false, false, null).build();
        }
        if (!rows.filter().isEmpty() && request.isOfRowsAlone()) {
            Connection<T> page = walk(jdbc, rows, request);
            if (page != null) {
                return page;
            }
        }
        Statement<T> statement = new Statement<>(rows);
        if (request.isOfRowsAlone()) {
            statement.appendRowsAlone(request);
        } else {
            statement.append(request, "(values (1)) parent (n)", List.of());
        }
        List<List<Connection<T>>> pages = statement.run(jdbc);
        return pages.isEmpty()
                ? new PageBuilder<T>(request, false, false, null).build()
                : pages.getFirst().getFirst();
    }

    /** Returns null if the walked rows do not fill the page. No index serves the filter, so one plan suits all. */
    private <T> @Nullable Connection<T> walk(JdbcTemplate jdbc, Rows<T> rows, PageRequest request) {
        Statement<T> statement = new Statement<>(rows);
        statement.appendWalked(request);
        List<List<Connection<T>>> pages = statement.run(jdbc);
        return statement.rowsRead > request.size() ? pages.getFirst().getFirst() : null;
    }

    /** A page for each key. Requests that differ only in their parent share a branch of the statement. */
    @SuppressWarnings("unchecked")
    public <T> Map<OfParent, Connection<T>> load(Rows<T> rows, Set<OfParent> keys) {
        return (Map<OfParent, Connection<T>>) pagesOfParents.load(new PagesOfParents(rows, keys));
    }

    private <T> Map<OfParent, Connection<T>> load(JdbcTemplate jdbc, Rows<T> rows, Collection<OfParent> keys) {
        boolean shareCounts = keys.stream()
                        .map(OfParent::request)
                        .filter(PageRequest::totalCount)
                        .distinct()
                        .limit(2)
                        .count()
                == 2;
        if (!shareCounts) {
            return loadEach(jdbc, rows, keys);
        }
        Set<OfParent> apart = new LinkedHashSet<>();
        for (OfParent key : keys) {
            apart.add(key.withoutTotalCount());
            if (key.request().totalCount()) {
                apart.add(key.ofTotalCountAlone());
            }
        }
        Map<OfParent, Connection<T>> loaded = loadEach(jdbc, rows, apart);
        Map<OfParent, Connection<T>> result = HashMap.newHashMap(keys.size());
        for (OfParent key : keys) {
            Connection<T> page = Objects.requireNonNull(loaded.get(key.withoutTotalCount()));
            result.put(
                    key,
                    key.request().totalCount()
                            ? page.withTotalCount(Objects.requireNonNull(loaded.get(key.ofTotalCountAlone()))
                                    .totalCount())
                            : page);
        }
        return result;
    }

    private <T> Map<OfParent, Connection<T>> loadEach(JdbcTemplate jdbc, Rows<T> rows, Collection<OfParent> keys) {
        Map<PageRequest, List<OfParent>> branches = new LinkedHashMap<>();
        keys.forEach(key -> branches.computeIfAbsent(key.request(), request -> new ArrayList<>())
                .add(key));
        Statement<T> statement = new Statement<>(rows);
        branches.forEach((request, ofRequest) -> {
            Object[] parents = ofRequest.stream().map(OfParent::parent).toArray();
            statement.append(
                    request, "unnest(?) with ordinality parent (id, n)", List.of(new SqlArrayValue("uuid", parents)));
        });
        List<List<Connection<T>>> pages = statement.run(jdbc);
        Map<OfParent, Connection<T>> result = HashMap.newHashMap(keys.size());
        int branch = 0;
        for (List<OfParent> ofRequest : branches.values()) {
            for (int i = 0; i < ofRequest.size(); i++) {
                result.put(ofRequest.get(i), pages.get(branch).get(i));
            }
            branch++;
        }
        return result;
    }

    /** One end of a range: a condition on a row's keys, and the values that they are compared with. */
    private record Bound(String condition, List<String> keys) {
        static List<Bound> of(String condition, @Nullable List<String> keys) {
            return keys == null ? List.of() : List.of(new Bound(condition, keys));
        }
    }

    private class Statement<T> {
        private final Rows<T> rows;
        private final List<PageRequest> requests = new ArrayList<>();
        private final StringBuilder sql = new StringBuilder();
        private final List<Object> args = new ArrayList<>();
        /** For each branch, a builder for each of its parents. */
        private final List<List<PageBuilder<T>>> pages = new ArrayList<>();
        /** Whether to plan each execution: one plan for all values of a filter would be bad for most of them. */
        private boolean planAnew;

        private int rowsRead;

        Statement(Rows<T> rows) {
            this.rows = rows;
        }

        /** Appends a page whose rows are all that is requested. If it is empty, the statement returns no row at all. */
        void appendRowsAlone(PageRequest request) {
            sql.append(ROWS_ALONE);
            requests.add(request);
            if (rows.filter().isEmpty()) {
                appendSeek(request.ordering(), range(request), request.backward(), request.rowsToRead());
            } else {
                planAnew = true;
                appendFound(request.ordering(), range(request), request.backward(), request.rowsToRead(), "true");
            }
            sql.append(") page");
        }

        /** Appends the same page, made of those walked rows that pass the filter. */
        void appendWalked(PageRequest request) {
            sql.append(ROWS_ALONE);
            requests.add(request);
            appendWalk(request.ordering(), range(request), request.backward(), request.rowsToRead());
            sql.append(") page");
        }

        void append(PageRequest request, String parents, List<?> parentArgs) {
            Ordering ordering = request.ordering();
            sql.append(requests.isEmpty() ? "" : " union all ");
            sql.append("select ")
                    .append(requests.size())
                    .append(" as branch, parent.n, more.*, page.* from ")
                    .append(parents);
            args.addAll(parentArgs);
            requests.add(request);

            sql.append(" cross join lateral (select ");
            appendExists(request.previousPage(), ordering, Bound.of(ordering.before(true), request.after()), true);
            sql.append(" as behind, ");
            appendExists(request.nextPage(), ordering, Bound.of(ordering.after(true), request.before()), false);
            sql.append(" as ahead, ");
            if (request.totalCount() && rows.count() != null && rows.filter().isEmpty()) {
                sql.append(rows.count());
            } else if (request.totalCount()) {
                planAnew |= !rows.filter().isEmpty();
                sql.append("(select count(*)");
                appendFrom(List.of());
                appendFilter();
                sql.append(")");
            } else {
                sql.append("null::bigint");
            }
            sql.append(" as total) more left join lateral (");
            appendSeek(ordering, range(request), request.backward(), request.rowsToRead());
            sql.append(") page on true");
        }

        private static List<Bound> range(PageRequest request) {
            List<Bound> range = new ArrayList<>(Bound.of(request.ordering().after(false), request.after()));
            range.addAll(Bound.of(request.ordering().before(false), request.before()));
            return range;
        }

        /** Appends whether there is a row beyond a bound, by reading only the nearest one. */
        private void appendExists(boolean wanted, Ordering ordering, List<Bound> bound, boolean backward) {
            if (!wanted || bound.isEmpty()) {
                sql.append("false");
                return;
            }
            sql.append("exists (select from (");
            appendSeek(ordering, bound, backward, 1);
            sql.append(") nearest)");
        }

        /** Appends the first rows of a range, or the last ones. */
        private void appendSeek(Ordering ordering, List<Bound> range, boolean backward, int limit) {
            String select = "select " + ordering.select() + ", " + rows.columns();
            if (rows.filter().isEmpty() || limit == 0) {
                sql.append(select);
                appendFrom(range);
                appendOrder(ordering.orderBy(backward), limit);
                return;
            }
            planAnew = true;
            sql.append("with near as materialized (");
            appendWalk(ordering, range, backward, limit);
            String full = "exists (select from near offset " + (limit - 1) + ")";
            sql.append(") select * from near where ").append(full);
            sql.append(" union all (");
            appendFound(ordering, range, backward, limit, "not " + full);
            sql.append(")");
        }

        private void appendFound(Ordering ordering, List<Bound> range, boolean backward, int limit, String condition) {
            // The offset keeps the order out of the subquery, so that the ordering's index is not walked once more.
            sql.append("select * from (select ")
                    .append(ordering.select())
                    .append(", ")
                    .append(rows.columns())
                    .append(", true");
            appendFrom(range);
            appendFilter();
            sql.append(" offset 0) found where ").append(condition);
            appendOrder(ordering.orderByNames(backward), limit);
        }

        private void appendWalk(Ordering ordering, List<Bound> range, boolean backward, int limit) {
            sql.append("select * from (select ")
                    .append(ordering.select())
                    .append(", ")
                    .append(rows.columns())
                    .append(", ")
                    .append(String.join(" and ", rows.filter()))
                    .append(" as passes");
            args.addAll(rows.filterArgs());
            appendFrom(range);
            appendOrder(ordering.orderBy(backward), WALK + WALK_PER_ROW * limit);
            sql.append(") walked where passes");
            appendOrder(ordering.orderByNames(backward), limit);
        }

        private void appendFrom(List<Bound> range) {
            sql.append(" from ").append(rows.from()).append(" where ").append(rows.where());
            for (Bound bound : range) {
                sql.append(" and ").append(bound.condition());
                args.addAll(bound.keys());
            }
        }

        private void appendFilter() {
            rows.filter().forEach(condition -> sql.append(" and ").append(condition));
            args.addAll(rows.filterArgs());
        }

        /** The limit is a literal: for a parameter, PostgreSQL would plan with a tenth of the table. */
        private void appendOrder(String keys, int limit) {
            sql.append(" order by ").append(keys).append(" limit ").append(limit);
        }

        /** Runs the statement. Returns, for each branch, a page for each of its parents. */
        List<List<Connection<T>>> run(JdbcTemplate jdbc) {
            sql.append(" order by branch, n, ")
                    .append(requests.getFirst().ordering().orderByNames(false));
            jdbc.query(sql.toString(), this::prepare, this::read);
            return pages.stream()
                    .map(branch -> branch.stream().map(PageBuilder::build).toList())
                    .toList();
        }

        private void prepare(PreparedStatement statement) throws SQLException {
            if (planAnew) {
                statement.unwrap(PGStatement.class).setPrepareThreshold(0);
            }
            new ArgumentPreparedStatementSetter(args.toArray()).setValues(statement);
        }

        private void read(ResultSet row) throws SQLException {
            rowsRead++;
            int branch = row.getInt("branch");
            if (branch == pages.size()) {
                pages.add(new ArrayList<>());
            }
            List<PageBuilder<T>> ofBranch = pages.getLast();
            if (row.getInt("n") > ofBranch.size()) {
                Integer total = requests.get(branch).totalCount() ? row.getInt("total") : null;
                ofBranch.add(new PageBuilder<>(
                        requests.get(branch), row.getBoolean("behind"), row.getBoolean("ahead"), total));
            }
            ofBranch.getLast().add(row, rows);
        }
    }

    private class PageBuilder<T> {
        private final PageRequest request;
        private final boolean behind;
        private final boolean ahead;
        private final @Nullable Integer total;
        private final List<Edge<T>> edges = new ArrayList<>();

        PageBuilder(PageRequest request, boolean behind, boolean ahead, @Nullable Integer total) {
            this.request = request;
            this.behind = behind;
            this.ahead = ahead;
            this.total = total;
        }

        void add(ResultSet row, Rows<T> rows) throws SQLException {
            Ordering ordering = request.ordering();
            Object[] keys = ordering.read(row);
            if (keys == null) {
                return; // a parent without rows
            }
            T node = rows.mapper().mapRow(row, edges.size());
            Function<T, String> cursor = rows.cursors();
            edges.add(new Edge<>(
                    node, cursor == null ? () -> cursors.encode(ordering.name(), keys) : () -> cursor.apply(node)));
        }

        Connection<T> build() {
            boolean more = edges.size() > request.size();
            if (more) {
                edges.remove(request.backward() ? 0 : edges.size() - 1);
            }
            return new Connection<>(
                    edges, ahead || (more && !request.backward()), behind || (more && request.backward()), total);
        }
    }
}
