package dev.userdirectory.relay;

import dev.userdirectory.relay.Connection.Edge;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.stereotype.Component;

/**
 * Reads pages. However many parents, arguments and counts, it is one statement, and each page in it one seek in an
 * index and a row more than the page has: the row that tells whether there is a next page.
 */
@Component
public class Pages {
    private final JdbcTemplate jdbc;
    private final Cursors cursors;

    Pages(JdbcTemplate jdbc, Cursors cursors) {
        this.jdbc = jdbc;
        this.cursors = cursors;
    }

    /** A page of a connection that belongs to an object; the key of a data loader. */
    public record OfParent(UUID parent, PageRequest request) {}

    public <T> Connection<T> load(Rows<T> rows, PageRequest request) {
        Statement<T> statement = new Statement<>(rows);
        statement.append(request, "(values (1)) parent (n)", List.of());
        return statement.run().getFirst().getFirst();
    }

    /** A page for each key. Requests that differ only in their parent share a branch of the statement. */
    public <T> Map<OfParent, Connection<T>> load(Rows<T> rows, Collection<OfParent> keys) {
        Map<PageRequest, List<OfParent>> branches = new LinkedHashMap<>();
        keys.forEach(key -> branches.computeIfAbsent(key.request(), request -> new ArrayList<>())
                .add(key));
        Statement<T> statement = new Statement<>(rows);
        branches.forEach((request, ofRequest) -> {
            Object[] parents = ofRequest.stream().map(OfParent::parent).toArray();
            statement.append(
                    request, "unnest(?) with ordinality parent (id, n)", List.of(new SqlArrayValue("uuid", parents)));
        });
        List<List<Connection<T>>> pages = statement.run();
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

    private class Statement<T> {
        private final Rows<T> rows;
        private final List<PageRequest> requests = new ArrayList<>();
        private final StringBuilder sql = new StringBuilder();
        private final List<Object> args = new ArrayList<>();
        /** Of each branch, a builder for each of its parents. */
        private final List<List<PageBuilder<T>>> pages = new ArrayList<>();

        Statement(Rows<T> rows) {
            this.rows = rows;
        }

        void append(PageRequest request, String parents, List<?> parentArgs) {
            boolean behind = request.pageInfo() && request.after() != null;
            boolean ahead = request.pageInfo() && request.before() != null;
            sql.append(requests.isEmpty() ? "" : " union all ");
            sql.append("select ")
                    .append(requests.size())
                    .append(" as branch, parent.n, more.*, page.* from ")
                    .append(parents);
            args.addAll(parentArgs);
            requests.add(request);

            sql.append(" cross join lateral (select ");
            appendExists(behind, request.ordering().before(true), request.after());
            sql.append(" as behind, ");
            appendExists(ahead, request.ordering().after(true), request.before());
            sql.append(" as ahead, ");
            if (request.totalCount()) {
                sql.append("(select count(*)");
                appendFrom();
                sql.append(")");
            } else {
                sql.append("null::bigint");
            }
            sql.append(" as total) more left join lateral (select ")
                    .append(request.ordering().select())
                    .append(", ")
                    .append(rows.columns());
            appendFrom();
            appendRange(request.ordering().after(false), request.after());
            appendRange(request.ordering().before(false), request.before());
            // The limit is a literal: PostgreSQL plans an unknown one as a tenth of the table.
            sql.append(" order by ")
                    .append(request.ordering().orderBy(request.backward()))
                    .append(" limit ")
                    .append(request.size() + 1);
            sql.append(") page on true");
        }

        private void appendFrom() {
            sql.append(" from ").append(rows.from()).append(" where ").append(rows.where());
            args.addAll(rows.args());
        }

        private void appendRange(String condition, @Nullable List<String> keys) {
            if (keys != null) {
                sql.append(" and ").append(condition);
                args.addAll(keys);
            }
        }

        private void appendExists(boolean wanted, String condition, @Nullable List<String> keys) {
            if (!wanted) {
                sql.append("false");
                return;
            }
            sql.append("exists (select");
            appendFrom();
            appendRange(condition, keys);
            sql.append(")");
        }

        /** Of each branch, a page for each of its parents. */
        List<List<Connection<T>>> run() {
            sql.append(" order by branch, n, ")
                    .append(requests.getFirst().ordering().orderByNames());
            jdbc.query(sql.toString(), this::read, args.toArray());
            return pages.stream()
                    .map(branch -> branch.stream().map(PageBuilder::build).toList())
                    .toList();
        }

        private void read(ResultSet row) throws SQLException {
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
            String[] keys = new String[request.ordering().keys().size()];
            for (int i = 0; i < keys.length; i++) {
                keys[i] = row.getString("key_" + i);
            }
            if (keys[0] == null) {
                return; // a parent without rows
            }
            T node = rows.mapper().mapRow(row, edges.size());
            edges.add(new Edge<>(node, () -> cursors.encode(request.ordering().name(), List.of(keys))));
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
