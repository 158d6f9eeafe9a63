package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.generated.types.UserFilter;
import dev.userdirectory.generated.types.UserOrder;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.graphql.federation.Representation;
import dev.userdirectory.group.MembersByGroupDataLoader.Members;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.Names;
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
import dev.userdirectory.user.UserLists;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class GroupDataFetcher {
    private static final Rows<Group> ALL = new Rows<>("groups g", "true", Group.COLUMNS, Group::read);
    /** Two rows are enough to detect that several groups share the name. */
    private static final String WITH_NAME = "select " + Group.COLUMNS + " from groups g"
            + " where coalesce(g.folded, g.name_lower) = folded(? collate \"pg_c_utf8\") order by g.id limit 2";

    private static final Ordering BY_NAME = byName("Query.groups");
    private static final Ordering OF_USER_BY_NAME = byName("User.groups");
    private static final Ordering BY_JOINING = new Ordering(
            "Group.members",
            true,
            List.of(new SortKey("m.joined_at", "timestamptz"), new SortKey("m.user_id", "uuid")));

    private final ReadDatabase reads;
    private final Pages pages;
    private final Cursors cursors;
    private final GlobalIds ids;
    private final Nodes nodes;
    private final UserLists users;

    GroupDataFetcher(ReadDatabase reads, Pages pages, Cursors cursors, GlobalIds ids, Nodes nodes, UserLists users) {
        this.reads = reads;
        this.pages = pages;
        this.cursors = cursors;
        this.ids = ids;
        this.nodes = nodes;
        this.users = users;
    }

    @DgsQuery
    CompletableFuture<@Nullable Group> group(@InputArgument String id, DgsDataFetchingEnvironment env) {
        return nodes.load(ids.parse("id", id), Group.TYPE, env);
    }

    @DgsQuery
    @Nullable
    Group groupByName(@InputArgument String name, DgsDataFetchingEnvironment env) {
        Dependencies.of(env).add(Group.TYPE.typeName());
        String checked = SearchText.check("name", name.strip(), Names.MAX_LENGTH);
        List<Group> groups = reads.query(jdbc -> jdbc.query(WITH_NAME, Group::read, checked));
        if (groups.size() > 1) {
            throw new BadUserInput("name", "is the name of several groups. `groups(search:)` lists them.");
        }
        return groups.isEmpty() ? null : groups.getFirst();
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
                search == null ? ALL : containing(SearchText.pattern("search", search)),
                request,
                env.getGraphQlContext());
    }

    private static Rows<Group> containing(String pattern) {
        return ALL.filteredBy("(g.name_lower like ? or g.folded like ?)", pattern, pattern);
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
    CompletableFuture<Connection<User>> members(
            @InputArgument @Nullable UserFilter filter,
            @InputArgument @Nullable UserOrder orderBy,
            DgsDataFetchingEnvironment env) {
        Group group = Objects.requireNonNull(env.getSource());
        Dependencies.of(env).add(Dependencies.list("Group.members", group.getId()));
        if (filter != null || orderBy != null) {
            // The matching members and their order change with the users.
            Dependencies.of(env).add(User.TYPE.typeName());
        }
        Ordering ordering = orderBy == null ? BY_JOINING : UserLists.ordering("Group.members", orderBy);
        Rows<User> members =
                orderBy == null ? MembersByGroupDataLoader.AS_JOINED : MembersByGroupDataLoader.AMONG_USERS;
        return env.<Members, Connection<User>>getDataLoader(MembersByGroupDataLoader.class)
                .load(new Members(
                        users.filtered(members, filter, ordering, env),
                        new OfParent(group.uuid(), PageRequest.of(env, ordering, cursors))));
    }

    private static Ordering byName(String connection) {
        return new Ordering(
                connection, true, List.of(new SortKey("g.name_lower", "text"), new SortKey("g.id", "uuid")));
    }
}
