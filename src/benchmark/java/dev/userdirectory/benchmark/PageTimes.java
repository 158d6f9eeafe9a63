package dev.userdirectory.benchmark;

import dev.userdirectory.ServiceProcess;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/**
 * Measures how long pages take, one request at a time. Requests that are compared with each other take turns. Fails if
 * a page exceeds its limit.
 */
final class PageTimes {
    private static final int DEPTH = Workloads.DEPTH;
    private static final List<String> FIELDS = List.of("CREATED_AT", "UPDATED_AT", "NAME", "EMAIL");
    private static final String PAGE = """
            (orderBy: $orderBy, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
              nodes { id name email }
              pageInfo { hasPreviousPage hasNextPage startCursor endCursor }
            }""";
    private static final String VARIABLES =
            "$orderBy: UserOrder!, $filter: UserFilter, $first: Int, $after: String, $last: Int, $before: String";
    private static final String USERS = "query (" + VARIABLES + ") { users" + PAGE + " }";
    private static final String MEMBERS =
            "query ($group: ID!, " + VARIABLES + ") { group(id: $group) { members" + PAGE + " } }";

    private final ServiceProcess service;
    private final JdbcTemplate jdbc;
    private final List<String> only;

    /** @param only runs only comparisons whose titles contain one of these texts */
    PageTimes(ServiceProcess service, JdbcTemplate jdbc, List<String> only) {
        this.service = service;
        this.jdbc = jdbc;
        this.only = only;
    }

    /** @param limit the highest ratio to the time of the first request of a comparison, or infinity */
    private record Workload(String name, String document, Map<String, ?> variables, double limit) {}

    void run() throws IOException, InterruptedException {
        boolean passed = comparePages();
        passed &= compareFilteredPages();
        passed &= compareMembers();
        compareFilters();
        if (!passed) {
            throw new IllegalStateException("A page takes too long");
        }
    }

    private boolean comparePages() throws IOException, InterruptedException {
        boolean passed = true;
        for (String field : FIELDS) {
            String cursor = cursorAt(DEPTH, field);
            passed &= compare(
                    "Pages of 20 users by " + field,
                    1000,
                    List.of(
                            users("first", field, Map.of(), Map.of("first", 20), 1),
                            users("behind " + DEPTH, field, Map.of(), Map.of("first", 20, "after", cursor), 1.2),
                            users("last", field, Map.of(), Map.of("last", 20), 1.2),
                            users("before " + DEPTH, field, Map.of(), Map.of("last", 20, "before", cursor), 1.2)));
        }
        return passed;
    }

    /** Compares every filter in every order, with values that match many users and with values that match few. */
    private boolean compareFilteredPages() throws IOException, InterruptedException {
        boolean passed = true;
        Map<String, Map<String, ?>> filters = filters();
        for (String field : FIELDS) {
            String cursor = cursorAt(DEPTH, field);
            for (Map.Entry<String, Map<String, ?>> filter : filters.entrySet()) {
                passed &= compare(
                        filter.getKey() + ", by " + field,
                        100,
                        List.of(
                                users("first", field, filter.getValue(), Map.of("first", 20), 1),
                                users(
                                        "behind " + DEPTH,
                                        field,
                                        filter.getValue(),
                                        Map.of("first", 20, "after", cursor),
                                        1.2)));
            }
        }
        return passed;
    }

    /** Compares the members of the largest group, in every order, with and without a filter. */
    private boolean compareMembers() throws IOException, InterruptedException {
        UUID group = jdbc.queryForObject(
                "select group_id from group_members group by 1 order by count(*) desc limit 1", UUID.class);
        int depth = jdbc.queryForObject(
                "select count(*) * 9 / 10 from group_members where group_id = ?", Integer.class, group);
        Map<String, Map<String, ?>> filters = new LinkedHashMap<>();
        filters.put("", Map.of());
        filters.put(", active", Map.of("active", true));
        filters.put(", no such domain", Map.of("emailDomain", "nobody.example"));
        boolean passed = true;
        for (String field : FIELDS) {
            String column = column(field);
            String email = jdbc.queryForObject(
                    "select email from users join group_members on user_id = id where group_id = ? order by " + column
                            + ", id offset ? limit 1",
                    String.class,
                    group,
                    depth - 1);
            Workload last = members("", group, field, Map.of("emails", List.of(email)), Map.of("first", 1), 1);
            String cursor =
                    post(last).at("/data/group/members/pageInfo/endCursor").asString();
            for (Map.Entry<String, Map<String, ?>> filter : filters.entrySet()) {
                Map<String, ?> deep = Map.of("first", 20, "after", cursor);
                passed &= compare(
                        "Members by " + field + filter.getKey(),
                        100,
                        List.of(
                                members("first", group, field, filter.getValue(), Map.of("first", 20), 1),
                                members("behind " + depth, group, field, filter.getValue(), deep, 1.2)));
            }
        }
        return passed;
    }

    private Map<String, Map<String, ?>> filters() {
        List<String> emails = jdbc.queryForList(
                "select email from users where id > '01680000-0000-7000-8000-000000000000' limit 100", String.class);
        List<String> groups = jdbc
                .queryForList("select group_id from group_members group by 1 order by count(*) desc", UUID.class)
                .stream()
                .map(PageTimes::id)
                .toList();
        Map<String, ?> years = Map.of("from", "2016-01-01T00:00:00Z", "before", "2030-01-01T00:00:00Z");
        Map<String, ?> day = Map.of("from", "2024-05-01T00:00:00Z", "before", "2024-05-02T00:00:00Z");
        Map<String, Map<String, ?>> filters = new LinkedHashMap<>();
        filters.put("created within years", Map.of("createdAt", years));
        filters.put("created on a day", Map.of("createdAt", day));
        filters.put("updated within years", Map.of("updatedAt", years));
        filters.put("updated on a day", Map.of("updatedAt", day));
        filters.put("100 addresses", Map.of("emails", emails));
        filters.put("common domain", Map.of("emailDomain", "example.com"));
        filters.put("no such domain", Map.of("emailDomain", "nobody.example"));
        filters.put("in no group", Map.of("inNoGroup", true));
        filters.put("in a group", Map.of("inNoGroup", false));
        filters.put("in any of 20 large groups", Map.of("inAnyGroup", groups.subList(0, 20)));
        filters.put("in any of 20 small groups", Map.of("inAnyGroup", groups.subList(9000, 9020)));
        filters.put("in two large groups", Map.of("inAllGroups", groups.subList(0, 2)));
        filters.put("in none of 20 large groups", Map.of("inNoneOfGroups", groups.subList(0, 20)));
        return filters;
    }

    /** Measures combinations of a filter and an order that no single index serves. */
    private void compareFilters() throws IOException, InterruptedException {
        List<UUID> groups =
                jdbc.queryForList("select group_id from group_members group by 1 order by count(*)", UUID.class);
        Map<String, Map<String, ?>> filters = new LinkedHashMap<>();
        filters.put("none", Map.of());
        for (String search : List.of(
                "example",
                "a",
                "maria",
                "mari",
                "quispe",
                "xavier quispe",
                "featherstonehaugh",
                "4711",
                "777777@",
                "nobody",
                "q7",
                "z",
                "õ")) {
            filters.put("search " + search, Map.of("search", search));
        }
        filters.put("active", Map.of("active", true));
        filters.put("inactive", Map.of("active", false));
        filters.put("small group", Map.of("groupId", id(groups.getFirst())));
        filters.put("medium group", Map.of("groupId", id(groups.get(groups.size() * 9 / 10))));
        filters.put("large group", Map.of("groupId", id(groups.getLast())));
        for (String field : List.of("CREATED_AT", "NAME", "EMAIL")) {
            String cursor = cursorAt(DEPTH / 2, field);
            List<Workload> workloads = new ArrayList<>();
            filters.forEach((name, filter) -> {
                workloads.add(users(name, field, filter, Map.of("first", 20), Double.POSITIVE_INFINITY));
                workloads.add(users(
                        name + ", halfway",
                        field,
                        filter,
                        Map.of("first", 20, "after", cursor),
                        Double.POSITIVE_INFINITY));
            });
            compare("Filters of users by " + field, 10, workloads);
        }
    }

    private static Workload users(String name, String field, Map<String, ?> filter, Map<String, ?> page, double limit) {
        return new Workload(name, USERS, variables(field, filter, page), limit);
    }

    private static Workload members(
            String name, UUID group, String field, Map<String, ?> filter, Map<String, ?> page, double limit) {
        Map<String, Object> variables = variables(field, filter, page);
        variables.put("group", id(group));
        return new Workload(name, MEMBERS, variables, limit);
    }

    private static Map<String, Object> variables(String field, Map<String, ?> filter, Map<String, ?> page) {
        Map<String, Object> variables = new HashMap<>(page);
        variables.put("orderBy", Map.of("field", field));
        variables.put("filter", filter);
        return variables;
    }

    private static String column(String field) {
        String name = field.toLowerCase(Locale.ROOT);
        return field.endsWith("_AT") ? name : name + "_lower";
    }

    /**
     * Returns the cursor of the user at this position. The user is read with a filter, which does not change cursors.
     */
    private String cursorAt(int place, String field) throws IOException, InterruptedException {
        String email = jdbc.queryForObject(
                "select email from users order by " + column(field) + ", id offset ? limit 1", String.class, place - 1);
        Workload search = users("", field, Map.of("search", email), Map.of("first", 1), 1);
        return post(search).at("/data/users/pageInfo/endCursor").asString();
    }

    private static String id(UUID group) {
        return new GlobalId(Group.TYPE, group).toString();
    }

    /** Prints the median and the 95th percentile of each workload. Returns whether every median is within its limit. */
    private boolean compare(String title, int rounds, List<Workload> workloads)
            throws IOException, InterruptedException {
        if (only.stream().noneMatch(title::contains)) {
            return true;
        }
        long[][] nanos = new long[workloads.size()][rounds];
        for (int round = -rounds / 2; round < rounds; round++) {
            for (int turn = 0; turn < workloads.size(); turn++) {
                int i = round % 2 == 0 ? turn : workloads.size() - 1 - turn;
                long start = System.nanoTime();
                post(workloads.get(i));
                if (round >= 0) {
                    nanos[i][round] = System.nanoTime() - start;
                }
            }
        }
        System.out.printf("%n%-40s %10s %10s %8s%n", title, "median ms", "95 % ms", "ratio");
        boolean passed = true;
        for (int i = 0; i < workloads.size(); i++) {
            Arrays.sort(nanos[i]);
            double ratio = (double) nanos[i][rounds / 2] / nanos[0][rounds / 2];
            passed &= ratio <= workloads.get(i).limit;
            System.out.printf(
                    "%-40s %10.2f %10.2f %8.2f%s%n",
                    workloads.get(i).name,
                    nanos[i][rounds / 2] / 1e6,
                    nanos[i][rounds * 95 / 100] / 1e6,
                    ratio,
                    ratio > workloads.get(i).limit ? "  more than " + workloads.get(i).limit : "");
        }
        return passed;
    }

    private JsonNode post(Workload workload) throws IOException, InterruptedException {
        return service.post(workload.document, workload.variables);
    }
}
