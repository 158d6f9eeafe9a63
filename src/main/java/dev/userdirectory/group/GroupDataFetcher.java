package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.federation.Representation;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.SearchText;
import dev.userdirectory.page.Ordering;
import dev.userdirectory.page.Ordering.SortKey;
import dev.userdirectory.page.PageRequest;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Pages.OfParent;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.relay.Cursors;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.Nodes;
import dev.userdirectory.user.User;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class GroupDataFetcher {
    private static final Rows<Group> ALL = new Rows<>("groups g", "true", Group.COLUMNS, Group::read);
    private static final String NAME_CONTAINS = "(g.name_lower like ? or g.folded like ?)";
    private static final Ordering BY_NAME = byName("Query.groups");
    private static final Ordering OF_USER_BY_NAME = byName("User.groups");
    private static final Ordering BY_JOINING = new Ordering(
            "Group.members",
            true,
            List.of(new SortKey("m.joined_at", "timestamptz"), new SortKey("m.user_id", "uuid")));

    private final Pages pages;
    private final Cursors cursors;
    private final GlobalIds ids;
    private final Nodes nodes;

    GroupDataFetcher(Pages pages, Cursors cursors, GlobalIds ids, Nodes nodes) {
        this.pages = pages;
        this.cursors = cursors;
        this.ids = ids;
        this.nodes = nodes;
    }

    @DgsQuery
    CompletableFuture<@Nullable Group> group(@InputArgument String id, DgsDataFetchingEnvironment env) {
        return nodes.load(ids.parse("id", id), Group.TYPE, env);
    }

    @DgsEntityFetcher(name = "Group")
    public CompletableFuture<@Nullable Group> entity(Map<String, Object> fields, DgsDataFetchingEnvironment env) {
        return group(
                new Representation(fields).text("id").orElseThrow(() -> new BadUserInput("id", "must be given.")), env);
    }

    @DgsQuery
    Connection<Group> groups(@InputArgument @Nullable String search, DgsDataFetchingEnvironment env) {
        Dependencies.of(env).add(Group.TYPE.typeName());
        PageRequest request = PageRequest.of(env, BY_NAME, cursors);
        return pages.load(
                search == null ? ALL : ALL.filteredBy(List.of(NAME_CONTAINS), args(search)),
                request,
                env.getGraphQlContext());
    }

    private static List<Object> args(String search) {
        String pattern = SearchText.pattern("search", search);
        return List.of(pattern, pattern);
    }

    @DgsData(parentType = "User", field = "groups")
    CompletableFuture<Connection<Group>> groupsOfUser(DgsDataFetchingEnvironment env) {
        User user = Objects.requireNonNull(env.getSource());
        Dependencies.of(env).add(Dependencies.list("User.groups", user.getId()));
        // The order of the groups changes with their names.
        Dependencies.of(env).add(Group.TYPE.typeName());
        return env.<OfParent, Connection<Group>>getDataLoader(GroupsByUserDataLoader.class)
                .load(new OfParent(user.uuid(), PageRequest.of(env, OF_USER_BY_NAME, cursors)));
    }

    @DgsData(parentType = "Group", field = "members")
    CompletableFuture<Connection<User>> members(DgsDataFetchingEnvironment env) {
        Group group = Objects.requireNonNull(env.getSource());
        Dependencies.of(env).add(Dependencies.list("Group.members", group.getId()));
        return env.<OfParent, Connection<User>>getDataLoader(MembersByGroupDataLoader.class)
                .load(new OfParent(group.uuid(), PageRequest.of(env, BY_JOINING, cursors)));
    }

    private static Ordering byName(String connection) {
        return new Ordering(
                connection, true, List.of(new SortKey("g.name_lower", "text"), new SortKey("g.id", "uuid")));
    }
}
