package dev.userdirectory.page;

import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import graphql.GraphQLContext;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;
import org.springframework.stereotype.Component;

/**
 * Reads pages. One statement reads the pages and counts for any number of parents and arguments. Each page is one seek
 * in an index, which reads one row more than the page has; that row tells whether there is a next page. The rows of a
 * list are counted once, however many of its pages are requested with {@code totalCount}.
 */
@Component
public class Pages {
    private final ReadDatabase reads;
    private final Cursors cursors;

    Pages(ReadDatabase reads, Cursors cursors) {
        this.reads = reads;
        this.cursors = cursors;
    }

    /** A page of a connection that belongs to an object; the key of a data loader. */
    public record OfParent(UUID parent, PageRequest request) {
        private OfParent withoutTotalCount() {
            return new OfParent(parent, request.withoutTotalCount());
        }

        private OfParent forTotalCountOnly() {
            return new OfParent(parent, request.forTotalCountOnly());
        }
    }

    /** Loads a page. Pages of the same list in the same operation share its total. */
    public <T> Connection<T> load(Rows<T> rows, PageRequest request, GraphQLContext operation) {
        if (!request.totalCount()) {
            return load(rows, request);
        }
        // Each alias of a root field is fetched separately, one after the other.
        Map<Rows<?>, Integer> totals = operation.computeIfAbsent(Pages.class, key -> new ConcurrentHashMap<>());
        Integer known = totals.get(rows);
        if (known != null) {
            return load(rows, request.withoutTotalCount()).withTotalCount(known);
        }
        Connection<T> page = load(rows, request);
        totals.put(rows, Objects.requireNonNull(page.totalCount()));
        return page;
    }

    private <T> Connection<T> load(Rows<T> rows, PageRequest request) {
        return reads.query(jdbc -> load(jdbc, rows, request));
    }

    /** Loads a page of rows that are compared with data that only the primary has. */
    public <T> Connection<T> loadFromPrimary(Rows<T> rows, PageRequest request) {
        return reads.fromPrimary(jdbc -> load(jdbc, rows, request));
    }

    private <T> Connection<T> load(JdbcTemplate jdbc, Rows<T> rows, PageRequest request) {
        if (request.needsOnlyRows() && request.rowsToRead() == 0) {
            return empty();
        }
        Rows<T> remaining = rows;
        if (rows.filter().isWalked() && request.isOpenAhead() && request.rowsToRead() > 0) {
            // Prepared once for all values: it uses no index of the filter, so one plan suits all.
            Optional<Connection<T>> walked = read(jdbc, rows, statement -> statement.appendWalked(request));
            if (walked.isPresent()) {
                Connection<T> page = walked.get();
                boolean isBehind = request.backward() ? page.hasNextPage() : page.hasPreviousPage();
                if (isBehind || !request.looksBehind()) {
                    return page;
                }
            }
            // If the walk found no row behind the page, there may still be one.
            remaining = walked.isEmpty() ? rows.few() : rows;
        }
        return read(
                        jdbc,
                        remaining,
                        request.needsOnlyRows()
                                ? statement -> statement.appendOnlyRows(request)
                                : statement -> statement.append(request, "(values (1)) parent (n)", List.of()))
                .orElseGet(Pages::empty);
    }

    /** Returns the page, or nothing if the statement returns no row. */
    private <T> Optional<Connection<T>> read(JdbcTemplate jdbc, Rows<T> rows, Consumer<PageStatement<T>> page) {
        PageStatement<T> statement = new PageStatement<>(rows);
        page.accept(statement);
        return new PageReader<>(statement, cursors)
                .read(jdbc).stream().findFirst().map(List::getFirst);
    }

    private static <T> Connection<T> empty() {
        return new Connection<>(List.of(), false, false, null);
    }

    /** Loads a page for each key. Requests that differ only in their parent share a branch of the statement. */
    public <T> Map<OfParent, Connection<T>> load(Rows<T> rows, Set<OfParent> keys) {
        return reads.query(jdbc -> load(jdbc, rows, keys));
    }

    private <T> Map<OfParent, Connection<T>> load(JdbcTemplate jdbc, Rows<T> rows, Collection<OfParent> keys) {
        long counts = keys.stream()
                .map(OfParent::request)
                .filter(PageRequest::totalCount)
                .distinct()
                .count();
        if (counts < 2) {
            return loadEach(jdbc, rows, keys);
        }
        Set<OfParent> apart = new LinkedHashSet<>();
        for (OfParent key : keys) {
            apart.add(key.withoutTotalCount());
            if (key.request().totalCount()) {
                apart.add(key.forTotalCountOnly());
            }
        }
        Map<OfParent, Connection<T>> loaded = loadEach(jdbc, rows, apart);
        Map<OfParent, Connection<T>> result = HashMap.newHashMap(keys.size());
        for (OfParent key : keys) {
            Connection<T> page = Objects.requireNonNull(loaded.get(key.withoutTotalCount()));
            if (key.request().totalCount()) {
                Connection<T> counted = Objects.requireNonNull(loaded.get(key.forTotalCountOnly()));
                page = page.withTotalCount(counted.totalCount());
            }
            result.put(key, page);
        }
        return result;
    }

    private <T> Map<OfParent, Connection<T>> loadEach(JdbcTemplate jdbc, Rows<T> rows, Collection<OfParent> keys) {
        Map<PageRequest, List<OfParent>> branches = new LinkedHashMap<>();
        keys.forEach(key -> branches.computeIfAbsent(key.request(), request -> new ArrayList<>())
                .add(key));
        PageStatement<T> statement = new PageStatement<>(rows);
        branches.forEach((request, ofRequest) -> {
            Object[] parents = ofRequest.stream().map(OfParent::parent).toArray();
            statement.append(
                    request, "unnest(?) with ordinality parent (id, n)", List.of(new SqlArrayValue("uuid", parents)));
        });
        List<List<Connection<T>>> pages = new PageReader<>(statement, cursors).read(jdbc);
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
}
