package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.OrderDirection;
import dev.userdirectory.generated.types.UserOrderField;
import dev.userdirectory.graphql.federation.Representation;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.Text;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.relay.Ordering;
import dev.userdirectory.relay.Ordering.SortKey;
import dev.userdirectory.relay.PageRequest;
import dev.userdirectory.relay.Pages;
import dev.userdirectory.relay.Rows;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class UserDataFetcher {
    /** The upper bound excludes nothing, but without it PostgreSQL's planner expects a third of all events. */
    private static final String COUNT = """
            (select users from user_count) + (
                select count(*) filter (where e.type = 'CREATED') - count(*) filter (where e.type = 'DELETED')
                from user_events e
                where e.transaction >= (select transaction from user_count)
                  and e.transaction < 9223372036854775807
            )""";

    private static final Rows<User> ALL = new Rows<>("users u", "true", User.COLUMNS, User::read).countedBy(COUNT);

    /** Keyed by the raw argument {@code orderBy}, since DGS takes long to convert it to a {@code UserOrder}. */
    private static final Map<Map<String, String>, Ordering> ORDERINGS = Stream.of(UserOrderField.values())
            .flatMap(field -> Stream.of(OrderDirection.values())
                    .map(direction -> Map.entry(
                            Map.of("field", field.name(), "direction", direction.name()), ordering(field, direction))))
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

    private final Pages pages;
    private final Cursors cursors;

    UserDataFetcher(Pages pages, Cursors cursors) {
        this.pages = pages;
        this.cursors = cursors;
    }

    @DgsQuery
    CompletableFuture<@Nullable User> user(DgsDataFetchingEnvironment env) {
        // Cheaper than @InputArgument, which matters in a request that does little else.
        return user(Objects.requireNonNull(env.getArgument("id")), env);
    }

    private static CompletableFuture<@Nullable User> user(String id, DgsDataFetchingEnvironment env) {
        Optional<UUID> uuid = GlobalId.parse("id", id).of(NodeType.USER);
        return uuid.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : env.<UUID, @Nullable User>getDataLoader(UserDataLoader.class).load(uuid.get());
    }

    @DgsQuery
    CompletableFuture<@Nullable User> userByEmail(@InputArgument String email, DgsDataFetchingEnvironment env) {
        String searched = Text.searchable("email", email);
        return Text.isLongerThanAnyEmail(searched)
                ? CompletableFuture.completedFuture(null)
                : env.<String, @Nullable User>getDataLoader(UserByEmailDataLoader.class)
                        .load(searched);
    }

    /** Looks up by ID if both keys are given: an e-mail address may pass to another user, an ID cannot. */
    @DgsEntityFetcher(name = "User")
    public CompletableFuture<@Nullable User> entity(Map<String, Object> fields, DgsDataFetchingEnvironment env) {
        Representation user = new Representation(fields);
        Optional<String> id = user.text("id");
        Optional<String> email = user.text("email");
        if (id.isPresent()) {
            return user(id.get(), env);
        }
        return userByEmail(email.orElseThrow(() -> new BadUserInput("id", "or `email` must be given.")), env);
    }

    @DgsQuery
    Connection<User> users(DgsDataFetchingEnvironment env) {
        Ordering ordering = ORDERINGS.get(env.<Map<String, String>>getArgument("orderBy"));
        return pages.load(
                rows(env), PageRequest.of(env, Objects.requireNonNull(ordering), cursors), env.getGraphQlContext());
    }

    private static Rows<User> rows(DgsDataFetchingEnvironment env) {
        Map<String, Object> filter = env.getArgument("filter");
        if (filter == null) {
            return ALL;
        }
        List<String> conditions = new ArrayList<>();
        List<Object> args = new ArrayList<>();
        if (filter.get("active") instanceof Boolean active) {
            conditions.add(active ? "u.active" : "not u.active");
        }
        if (filter.get("groupId") instanceof String id) {
            Optional<UUID> groupId = GlobalId.parse("filter.groupId", id).of(NodeType.GROUP);
            conditions.add("exists (select from group_members m where m.group_id = ? and m.user_id = u.id)");
            args.add(groupId.orElse(new UUID(0, 0)));
        }
        if (filter.get("search") instanceof String text) {
            String pattern = Text.containing("filter.search", text);
            conditions.add("((u.name_lower || e'\\n' || u.email_lower) like ? or u.folded like ?)");
            args.add(pattern);
            args.add(pattern);
        }
        return ALL.filteredBy(conditions, args);
    }

    private static Ordering ordering(UserOrderField field, OrderDirection direction) {
        SortKey id = new SortKey("u.id", "uuid");
        List<SortKey> keys = switch (field) {
            case CREATED_AT -> List.of(new SortKey("u.created_at", "timestamptz"), id);
            case NAME -> List.of(new SortKey("u.name_lower", "text"), id);
            case EMAIL -> List.of(new SortKey("u.email_lower", "text")); // unique, so no ties
        };
        return new Ordering("Query.users " + field + " " + direction, direction == OrderDirection.ASC, keys);
    }
}
