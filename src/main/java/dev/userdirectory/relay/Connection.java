package dev.userdirectory.relay;

import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A page of a list, with the fields of the schema's {@code …Connection} types.
 *
 * @param totalCount null unless the client has requested it
 */
public record Connection<T>(
        List<Edge<T>> edges,
        boolean hasNextPage,
        boolean hasPreviousPage,
        @Nullable Integer totalCount) {

    /** A row in the list. The cursor is signed only if the client requests it. */
    public record Edge<T>(T node, Supplier<String> signedCursor) {
        public String getCursor() {
            return signedCursor.get();
        }
    }

    public Connection<T> withTotalCount(@Nullable Integer totalCount) {
        return new Connection<>(edges, hasNextPage, hasPreviousPage, totalCount);
    }

    public List<T> getNodes() {
        return edges.stream().map(Edge::node).toList();
    }

    public PageInfo getPageInfo() {
        return new PageInfo(this);
    }

    /** The schema's {@code PageInfo}. */
    public record PageInfo(Connection<?> connection) {
        public boolean getHasNextPage() {
            return connection.hasNextPage;
        }

        public boolean getHasPreviousPage() {
            return connection.hasPreviousPage;
        }

        public @Nullable String getStartCursor() {
            return connection.edges.isEmpty()
                    ? null
                    : connection.edges.getFirst().getCursor();
        }

        public @Nullable String getEndCursor() {
            return connection.edges.isEmpty()
                    ? null
                    : connection.edges.getLast().getCursor();
        }
    }
}
