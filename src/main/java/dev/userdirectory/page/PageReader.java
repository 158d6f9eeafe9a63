package dev.userdirectory.page;

import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Connection.Edge;
import dev.userdirectory.relay.Cursors;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGStatement;
import org.springframework.jdbc.core.ArgumentPreparedStatementSetter;
import org.springframework.jdbc.core.JdbcTemplate;

/** Runs a {@link PageStatement}, and builds connections from its rows. */
final class PageReader<T> {
    private final PageStatement<T> statement;
    private final Cursors cursors;
    /** The pages read so far: for each branch, one for each of its parents. */
    private final List<List<Page<T>>> pages = new ArrayList<>();

    PageReader(PageStatement<T> statement, Cursors cursors) {
        this.statement = statement;
        this.cursors = cursors;
    }

    List<List<Connection<T>>> read(JdbcTemplate jdbc) {
        jdbc.query(statement.sql(), this::prepare, this::add);
        return pages.stream()
                .map(branch -> branch.stream().map(Page::connection).toList())
                .toList();
    }

    private void prepare(PreparedStatement prepared) throws SQLException {
        if (statement.isPlannedAnew()) {
            prepared.unwrap(PGStatement.class).setPrepareThreshold(0);
        }
        new ArgumentPreparedStatementSetter(statement.args()).setValues(prepared);
    }

    private void add(ResultSet row) throws SQLException {
        int branch = row.getInt("branch");
        PageRequest request = statement.requests.get(branch);
        if (branch == pages.size()) {
            pages.add(new ArrayList<>());
        }
        List<Page<T>> ofBranch = pages.getLast();
        if (row.getInt("n") > ofBranch.size()) {
            Integer total = request.totalCount() ? row.getInt("total") : null;
            ofBranch.add(
                    new Page<>(request, row.getBoolean("behind"), row.getBoolean("ahead"), total, new ArrayList<>()));
        }
        Object[] keys = request.ordering().read(row);
        if (keys != null) { // without keys, it is a parent without rows
            List<Edge<T>> edges = ofBranch.getLast().edges;
            edges.add(edge(statement.rows.mapper().mapRow(row, edges.size()), request.ordering(), keys));
        }
    }

    private Edge<T> edge(T node, Ordering ordering, Object[] keys) {
        Function<T, String> cursor = statement.rows.cursors();
        return new Edge<>(
                node, cursor == null ? () -> cursors.encode(ordering.name(), keys) : () -> cursor.apply(node));
    }

    private record Page<T>(
            PageRequest request,
            boolean behind,
            boolean ahead,
            @Nullable Integer total,
            List<Edge<T>> edges) {
        Connection<T> connection() {
            boolean more = edges.size() > request.size();
            if (more) {
                edges.remove(request.backward() ? 0 : edges.size() - 1);
            }
            return new Connection<>(
                    edges, ahead || (more && !request.backward()), behind || (more && request.backward()), total);
        }
    }
}
