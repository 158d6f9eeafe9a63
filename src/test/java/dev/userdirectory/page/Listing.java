package dev.userdirectory.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A connection, and the plain list that its pages must agree with.
 *
 * @param document a query with {@link #PARAMETERS}, and with {@link #PAGE} in place of the connection's arguments and
 *     selection
 */
record Listing(Client client, String document, Map<String, ?> variables, Comparator<Row> order, List<Row> rows) {
    static final String PARAMETERS = "$first: Int, $after: String, $last: Int, $before: String";
    static final String PAGE =
            "first: $first, after: $after, last: $last, before: $before) { edges { cursor node { id } }"
                    + " nodes { id } totalCount pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }";

    Listing {
        rows = rows.stream().sorted(order).toList();
    }

    /** A row in the plain list: a global ID, and the key that it is sorted by. */
    record Row(String id, Comparable<?> key, UUID uuid) {
        @SuppressWarnings("unchecked")
        static final Comparator<Row> ASCENDING = Comparator.<Row, Comparable<Object>>comparing(
                        row -> (Comparable<Object>) row.key)
                .thenComparing(row -> row.uuid.toString());
    }

    /** Text in the order of its code points, which differs from the order of Java's UTF-16. */
    record Text(String value) implements Comparable<Text> {
        /** Lower-cases each code point by itself, as PostgreSQL's {@code pg_c_utf8} does. */
        static Text lower(String value) {
            return new Text(value.codePoints()
                    .map(Character::toLowerCase)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString());
        }

        boolean contains(Text other) {
            return value.contains(other.value);
        }

        @Override
        public int compareTo(Text other) {
            return Arrays.compare(
                    value.codePoints().toArray(), other.value.codePoints().toArray());
        }
    }

    /** One end of a range: a row, which may have been deleted by now, and its cursor. */
    record Place(Row row, String cursor) {}

    record Edge(String id, String cursor) {}

    record Page(List<Edge> edges, boolean hasPreviousPage, boolean hasNextPage, int totalCount) {
        List<String> ids() {
            return edges.stream().map(Edge::id).toList();
        }
    }

    Map<String, Object> variables(Map<String, ?> page) {
        Map<String, Object> all = new HashMap<>(variables);
        all.putAll(page);
        return all;
    }

    Page page(Map<String, ?> arguments) {
        JsonNode found = client.data(document, variables(arguments));
        while (!found.has("edges")) {
            found = found.iterator().next();
        }
        List<Edge> edges = new ArrayList<>();
        for (JsonNode edge : found.get("edges")) {
            edges.add(
                    new Edge(edge.at("/node/id").asString(), edge.get("cursor").asString()));
        }
        List<String> nodes = new ArrayList<>();
        found.get("nodes").forEach(node -> nodes.add(node.get("id").asString()));
        JsonNode pageInfo = found.get("pageInfo");
        assertThat(nodes).isEqualTo(edges.stream().map(Edge::id).toList());
        assertThat(text(pageInfo.get("startCursor"))).isEqualTo(edges.isEmpty() ? null : edges.getFirst().cursor);
        assertThat(text(pageInfo.get("endCursor"))).isEqualTo(edges.isEmpty() ? null : edges.getLast().cursor);
        return new Page(
                edges,
                pageInfo.get("hasPreviousPage").asBoolean(),
                pageInfo.get("hasNextPage").asBoolean(),
                found.get("totalCount").asInt());
    }

    /** Returns the JSON of the only error that these arguments cause. */
    JsonNode error(Map<String, ?> arguments) {
        return client.error(document, variables(arguments));
    }

    /** The same page, cut out of the plain list. A place need not be in the list: then it lies between two rows. */
    Page expected(@Nullable Integer first, @Nullable Place after, @Nullable Integer last, @Nullable Place before) {
        int low = after == null
                ? 0
                : (int) rows.stream()
                        .filter(row -> order.compare(row, after.row) <= 0)
                        .count();
        int high = before == null
                ? rows.size()
                : (int) rows.stream()
                        .filter(row -> order.compare(row, before.row) < 0)
                        .count();
        int from = last == null ? low : Math.max(high - last, low);
        int to = last == null ? Math.min(low + (first == null ? 20 : first), high) : high;
        List<Edge> edges = rows.subList(from, Math.max(from, to)).stream()
                .map(row -> new Edge(row.id, ""))
                .toList();
        return new Page(edges, from > 0, to < rows.size(), rows.size());
    }

    /** Walks the whole list page by page, forward and back, and must meet each row once, in order. */
    List<Place> walk(Random random) {
        List<Place> forward = new ArrayList<>();
        Page page;
        do {
            int size = 1 + random.nextInt(rows.size() < 300 && random.nextBoolean() ? 5 : 100);
            Map<String, Object> arguments = new HashMap<>(Map.of("first", size));
            if (!forward.isEmpty()) {
                arguments.put("after", forward.getLast().cursor);
            }
            page = page(arguments);
            assertThat(page.hasPreviousPage()).isEqualTo(!forward.isEmpty());
            for (Edge edge : page.edges) {
                assertThat(forward).hasSizeLessThan(rows.size());
                forward.add(new Place(rows.get(forward.size()), edge.cursor));
            }
            assertThat(page.ids())
                    .isEqualTo(rows.subList(forward.size() - page.edges.size(), forward.size()).stream()
                            .map(Row::id)
                            .toList());
            assertThat(page.hasNextPage()).isEqualTo(forward.size() < rows.size());
        } while (page.hasNextPage());
        assertThat(forward).hasSameSizeAs(rows);

        int left = rows.size();
        do {
            int size = 1 + random.nextInt(rows.size() < 300 && random.nextBoolean() ? 5 : 100);
            Map<String, Object> arguments = new HashMap<>(Map.of("last", size));
            if (left < rows.size()) {
                arguments.put("before", forward.get(left).cursor);
            }
            page = page(arguments);
            assertThat(page.hasNextPage()).isEqualTo(left < rows.size());
            assertThat(page.edges)
                    .isEqualTo(forward.subList(Math.max(0, left - size), left).stream()
                            .map(place -> new Edge(place.row.id, place.cursor))
                            .toList());
            left -= page.edges.size();
            assertThat(page.hasPreviousPage()).isEqualTo(left > 0);
        } while (page.hasPreviousPage());
        assertThat(left).isZero();
        return forward;
    }

    /** Requests a random page and compares it. */
    void compareAnyPage(Random random, List<Place> places) {
        Integer first = random.nextInt(3) > 0 ? anySize(random) : null;
        Integer last = first == null && random.nextInt(6) > 0 ? anySize(random) : null;
        Place after = places.isEmpty() || random.nextInt(3) == 0 ? null : places.get(random.nextInt(places.size()));
        Place before = places.isEmpty() || random.nextInt(3) > 0 ? null : places.get(random.nextInt(places.size()));
        Map<String, Object> arguments = new HashMap<>();
        arguments.put("first", first);
        arguments.put("last", last);
        arguments.put("after", after == null ? null : after.cursor);
        arguments.put("before", before == null ? null : before.cursor);

        Page page = page(arguments);
        Page expected = expected(first, after, last, before);

        assertThat(List.of(page.ids(), page.hasPreviousPage, page.hasNextPage, page.totalCount))
                .as("ids, hasPreviousPage, hasNextPage, totalCount of %s", arguments)
                .isEqualTo(
                        List.of(expected.ids(), expected.hasPreviousPage, expected.hasNextPage, expected.totalCount));
    }

    /**
     * Walks while other clients insert and delete. Must meet each row of the list once, in order, and no row twice.
     */
    void walkAmongOthers(Random random, boolean backward) {
        List<String> met = new ArrayList<>();
        String cursor = null;
        Page page;
        do {
            Map<String, Object> arguments = new HashMap<>();
            arguments.put(backward ? "last" : "first", 1 + random.nextInt(Math.min(100, 3 + rows.size() / 30)));
            arguments.put(backward ? "before" : "after", cursor);
            page = page(arguments);
            List<String> ids = page.ids();
            met.addAll(backward ? ids.reversed() : ids);
            if (!ids.isEmpty()) {
                cursor = (backward ? page.edges.getFirst() : page.edges.getLast()).cursor;
            }
        } while (backward ? page.hasPreviousPage : page.hasNextPage);

        assertThat(met).doesNotHaveDuplicates();
        List<String> expected = rows.stream().map(Row::id).toList();
        Set<String> known = new HashSet<>(expected);
        assertThat(met.stream().filter(known::contains).toList()).isEqualTo(backward ? expected.reversed() : expected);
    }

    private int anySize(Random random) {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> 1;
            case 2 -> Math.min(100, rows.size());
            case 3 -> Math.min(100, rows.size() + 1);
            case 4 -> Math.clamp(rows.size() - 1L, 0, 100);
            default -> random.nextInt(101);
        };
    }

    private static @Nullable String text(JsonNode value) {
        return value.isNull() ? null : value.asString();
    }
}
