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

    private static final String IN_A_GROUP = "exists (select from group_members m where m.user_id = u.id)";
    private static final String ONE = "m.group_id = ?::uuid";
    private static final String ANY = "m.group_id = any(?::uuid[])";
    /** Reads the groups one after the other, so that no more memberships are read than are counted. */
    private static final String MEMBERS_OF_ANY = "unnest(?::uuid[]) g (id)"
            + " cross join lateral (select from group_members m where m.group_id = g.id limit 3001) members";

    private final GlobalIds ids;

    MembershipFilter(GlobalIds ids) {
        this.ids = ids;
    }

    Rows<User> filtered(Rows<User> rows, UserFilter filter, Dependencies dependencies) {
        Rows<User> result = rows;
        if (filter.getGroupId() != null) {
            result = inGroup(result, group("filter.groupId", filter.getGroupId(), dependencies));
        }
        if (filter.getInAnyGroup() != null) {
            String any = UserLists.array(groups("filter.inAnyGroup", filter.getInAnyGroup(), dependencies));
            result = result.filteredBy(isMember(ANY), any).manyIf(largeCondition(MEMBERS_OF_ANY), any);
        }
        if (filter.getInAllGroups() != null) {
            for (String group : groups("filter.inAllGroups", filter.getInAllGroups(), dependencies)) {
                result = inGroup(result, group);
            }
        }
        if (filter.getInNoneOfGroups() != null) {
            List<String> groups = groups("filter.inNoneOfGroups", filter.getInNoneOfGroups(), dependencies);
            result = result.filteredBy("not " + isMember(ANY), UserLists.array(groups));
        }
        if (filter.getInNoGroup() != null) {
            dependencies.add(Dependencies.MEMBERSHIPS);
            result = filter.getInNoGroup()
                    ? result.filteredBy("exists (select from ungrouped_users n where n.user_id = u.id)")
                            .filteredBy("not " + IN_A_GROUP)
                            .manyIf(largeCondition("ungrouped_users"))
                    : result.filteredBy(IN_A_GROUP);
        }
        return result;
    }

    private static Rows<User> inGroup(Rows<User> rows, String group) {
        return rows.filteredBy(isMember(ONE), group).manyIf(largeCondition("group_members m where " + ONE), group);
    }

    private static String isMember(String ofGroup) {
        return "exists (select from group_members m where " + ofGroup + " and m.user_id = u.id)";
    }

    /**
     * Returns an SQL condition for whether a set has so many rows that sorting them would take longer than finding a
     * page by walking.
     */
    public static String largeCondition(String from) {
        return "exists (select from " + from + " offset 3000)";
    }

    private List<String> groups(String argument, List<String> given, Dependencies dependencies) {
        UserLists.checkSize(argument, given, MAX_GROUPS, "groups");
        List<String> groups = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            groups.add(group(argument + "." + i, given.get(i), dependencies));
        }
        return groups.stream().distinct().toList();
    }

    /** Treats an ID of another type like that of a group that does not exist. */
    private String group(String argument, String id, Dependencies dependencies) {
        GlobalId group = ids.parse(argument, id);
        dependencies.add(Dependencies.list("Group.members", group.toString()));
        return group.of("Group").orElse(NO_GROUP).toString();
    }
}
