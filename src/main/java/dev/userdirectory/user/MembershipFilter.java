package dev.userdirectory.user;

import dev.userdirectory.generated.types.UserFilter;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.GlobalIds;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.springframework.stereotype.Component;

/** The conditions of a {@code UserFilter} on the groups that users are in. The table's alias is {@code u}. */
@Component
public class MembershipFilter {
    private static final int MAX_GROUPS = 20;
    private static final UUID NO_GROUP = new UUID(0, 0);

    private static final String USER = "u.id";
    private static final String IN_A_GROUP = "exists (select from group_members m where m.user_id = u.id)";
    private static final String ONE = "m.group_id = ?";
    private static final String ANY = "m.group_id = any(?)";
    private static final String MEMBERS = "select m.user_id from group_members m where ";
    /** Reads the groups one after the other, so that no more memberships are read than are needed. */
    private static final String MEMBERS_OF_ANY = "select m.user_id from unnest(?) g (id) cross join lateral (" + MEMBERS
            + "m.group_id = g.id limit " + (Rows.FEW + 1) + ") m";
    /** The members of the first small group, or of another group if none is small. */
    private static final String MEMBERS_OF_SMALL = MEMBERS + "m.group_id = coalesce("
            + "(select g.id from unnest(?) g (id)"
            + " where not exists (" + MEMBERS + "m.group_id = g.id offset " + Rows.FEW + ") limit 1), ?)";

    private final GlobalIds ids;

    MembershipFilter(GlobalIds ids) {
        this.ids = ids;
    }

    Rows<User> filtered(Rows<User> rows, UserFilter filter, Dependencies dependencies) {
        Rows<User> result = rows;
        if (filter.getGroupId() != null) {
            UUID group = group("filter.groupId", filter.getGroupId(), dependencies);
            result = result.filteredBy(isMember(ONE), group).among(USER, MEMBERS + ONE, group);
        }
        if (filter.getInAnyGroup() != null) {
            GroupIds any = new GroupIds(groups("filter.inAnyGroup", filter.getInAnyGroup(), dependencies));
            result = result.filteredBy(isMember(ANY), any).among(USER, MEMBERS_OF_ANY, any);
        }
        if (filter.getInAllGroups() != null) {
            List<UUID> groups = groups("filter.inAllGroups", filter.getInAllGroups(), dependencies);
            for (UUID group : groups) {
                result = result.filteredBy(isMember(ONE), group);
            }
            if (!groups.isEmpty()) {
                result = result.among(USER, MEMBERS_OF_SMALL, new GroupIds(groups), groups.getFirst());
            }
        }
        if (filter.getInNoneOfGroups() != null) {
            List<UUID> groups = groups("filter.inNoneOfGroups", filter.getInNoneOfGroups(), dependencies);
            result = result.filteredBy("not " + isMember(ANY), new GroupIds(groups));
        }
        if (filter.getInNoGroup() != null) {
            dependencies.add(Dependencies.MEMBERSHIPS);
            result = filter.getInNoGroup()
                    ? result.filteredBy("exists (select from ungrouped_users n where n.user_id = u.id)")
                            .filteredBy("not " + IN_A_GROUP)
                            .among(USER, "select user_id from ungrouped_users")
                    : result.filteredBy(IN_A_GROUP);
        }
        return result;
    }

    private static String isMember(String ofGroup) {
        return "exists (select from group_members m where " + ofGroup + " and m.user_id = u.id)";
    }

    private List<UUID> groups(String argument, List<String> given, Dependencies dependencies) {
        UserLists.checkSize(argument, given, MAX_GROUPS, "groups");
        List<UUID> groups = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            groups.add(group(argument + "." + i, given.get(i), dependencies));
        }
        return groups.stream().distinct().toList();
    }

    /** Treats an ID of another type like that of a group that does not exist. */
    private UUID group(String argument, String id, Dependencies dependencies) {
        GlobalId group = ids.parse(argument, id);
        dependencies.add(Dependencies.list("Group.members", group.toString()));
        return group.of("Group").orElse(NO_GROUP);
    }
}
