package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsEntityFetcher;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
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
import dev.userdirectory.relay.Pages.OfParent;
import dev.userdirectory.relay.Rows;
import dev.userdirectory.user.User;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
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

    GroupDataFetcher(Pages pages, Cursors cursors) {
        this.pages = pages;
        this.cursors = cursors;
    }

    @DgsQuery
    CompletableFuture<@Nullable Group> group(@InputArgument String id, DgsDataFetchingEnvironment env) {
        Optional<UUID> uuid = GlobalId.parse("id", id).of(NodeType.GROUP);
        return uuid.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : env.<UUID, @Nullable Group>getDataLoader(GroupDataLoader.class)
                        .load(uuid.get());
    }

    @DgsEntityFetcher(name = "Group")
    public CompletableFuture<@Nullable Group> entity(Map<String, Object> fields, DgsDataFetchingEnvironment env) {
        return group(
                new Representation(fields).text("id").orElseThrow(() -> new BadUserInput("id", "must be given.")), env);
    }

    @DgsQuery
    Connection<Group> groups(@InputArgument @Nullable String search, DgsDataFetchingEnvironment env) {
        PageRequest request = PageRequest.of(env, BY_NAME, cursors);
        return pages.load(
                search == null ? ALL : ALL.filteredBy(List.of(NAME_CONTAINS), args(search)),
                request,
                env.getGraphQlContext());
    }

    private static List<Object> args(String search) {
        String pattern = Text.containing("search", search);
        return List.of(pattern, pattern);
    }

    @DgsData(parentType = "User", field = "groups")
    CompletableFuture<Connection<Group>> groupsOfUser(DgsDataFetchingEnvironment env) {
        User user = Objects.requireNonNull(env.getSource());
        return env.<OfParent, Connection<Group>>getDataLoader(GroupsByUserDataLoader.class)
                .load(new OfParent(user.uuid(), PageRequest.of(env, OF_USER_BY_NAME, cursors)));
    }

    @DgsData(parentType = "Group", field = "members")
    CompletableFuture<Connection<User>> members(DgsDataFetchingEnvironment env) {
        Group group = Objects.requireNonNull(env.getSource());
        return env.<OfParent, Connection<User>>getDataLoader(MembersByGroupDataLoader.class)
                .load(new OfParent(group.uuid(), PageRequest.of(env, BY_JOINING, cursors)));
    }

    private static Ordering byName(String connection) {
        return new Ordering(
                connection, true, List.of(new SortKey("g.name_lower", "text"), new SortKey("g.id", "uuid")));
    }
}
