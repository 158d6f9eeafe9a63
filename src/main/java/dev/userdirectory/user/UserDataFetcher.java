package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.UserFilter;
import dev.userdirectory.generated.types.UserOrder;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.federation.Representation;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.SearchText;
import dev.userdirectory.page.Ordering;
import dev.userdirectory.page.PageRequest;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.Nodes;
import java.util.Map;
import java.util.Optional;
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
    private final UserLists lists;

    UserDataFetcher(Pages pages, Cursors cursors, GlobalIds ids, Nodes nodes, UserLists lists) {
        this.pages = pages;
        this.cursors = cursors;
        this.ids = ids;
        this.nodes = nodes;
        this.lists = lists;
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

    /** Looks up by ID if both keys are given: an e-mail address may pass to another user, but an ID cannot. */
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
        Ordering ordering = UserLists.ordering("Query.users", orderBy);
        Rows<User> rows = lists.filtered(ALL, filter, ordering, env);
        return pages.load(rows, PageRequest.of(env, ordering, cursors), env.getGraphQlContext());
    }
}
