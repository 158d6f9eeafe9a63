package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.OrderDirection;
import dev.userdirectory.generated.types.UserFilter;
import dev.userdirectory.generated.types.UserOrder;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.federation.Representation;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.SearchText;
import dev.userdirectory.page.Ordering;
import dev.userdirectory.page.Ordering.SortKey;
import dev.userdirectory.page.PageRequest;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.Nodes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class UserDataFetcher {
    private static final Rows<User> ALL =
            new Rows<>("users u", "true", User.COLUMNS, User::read).countedBy(UserCount.SQL);

    private final Pages pages;
    private final Cursors cursors;
    private final GlobalIds ids;
    private final Nodes nodes;

    UserDataFetcher(Pages pages, Cursors cursors, GlobalIds ids, Nodes nodes) {
        this.pages = pages;
        this.cursors = cursors;
        this.ids = ids;
        this.nodes = nodes;
    }

    @DgsQuery
    CompletableFuture<@Nullable User> user(@InputArgument String id, DgsDataFetchingEnvironment env) {
        return nodes.load(ids.parse("id", id), User.TYPE, env);
    }

    @DgsQuery
    CompletableFuture<@Nullable User> userByEmail(@InputArgument String email, DgsDataFetchingEnvironment env) {
        Dependencies.of(env).add(User.TYPE.typeName());
        return env.<String, @Nullable User>getDataLoader(UserByEmailDataLoader.class)
                .load(SearchText.check("email", email, EmailAddress.MAX_LENGTH));
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
    Connection<User> users(
            @InputArgument @Nullable UserFilter filter,
            @InputArgument UserOrder orderBy,
            DgsDataFetchingEnvironment env) {
        Dependencies.of(env).add(User.TYPE.typeName());
        Rows<User> rows = filter == null ? ALL : filtered(filter, env);
        return pages.load(rows, PageRequest.of(env, ordering(orderBy), cursors), env.getGraphQlContext());
    }

    private Rows<User> filtered(UserFilter filter, DgsDataFetchingEnvironment env) {
        List<String> conditions = new ArrayList<>();
        List<Object> args = new ArrayList<>();
        if (filter.getActive() != null) {
            conditions.add(filter.getActive() ? "u.active" : "not u.active");
        }
        if (filter.getGroupId() != null) {
            GlobalId group = ids.parse("filter.groupId", filter.getGroupId());
            Dependencies.of(env).add(Dependencies.list("Group.members", group.toString()));
            conditions.add("exists (select from group_members m where m.group_id = ? and m.user_id = u.id)");
            args.add(group.of("Group").orElse(new UUID(0, 0)));
        }
        if (filter.getSearch() != null) {
            String pattern = SearchText.pattern("filter.search", filter.getSearch());
            conditions.add("((u.name_lower || e'\\n' || u.email_lower) like ? or u.folded like ?)");
            args.add(pattern);
            args.add(pattern);
        }
        return ALL.filteredBy(conditions, args);
    }

    private static Ordering ordering(UserOrder order) {
        SortKey id = new SortKey("u.id", "uuid");
        List<SortKey> keys = switch (order.getField()) {
            case CREATED_AT -> List.of(new SortKey("u.created_at", "timestamptz"), id);
            case NAME -> List.of(new SortKey("u.name_lower", "text"), id);
            case EMAIL -> List.of(new SortKey("u.email_lower", "text")); // unique, so no ties
        };
        String name = "Query.users " + order.getField() + " " + order.getDirection();
        return new Ordering(name, order.getDirection() == OrderDirection.ASC, keys);
    }
}
