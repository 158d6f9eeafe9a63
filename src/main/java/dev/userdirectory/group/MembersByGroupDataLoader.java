package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.group.MembersByGroupDataLoader.Members;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Pages.OfParent;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.user.User;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.dataloader.MappedBatchLoader;

/** Each key's rows select the members to list. Keys with the same rows share one statement. */
@DgsDataLoader(name = "Group.members", caching = false)
class MembersByGroupDataLoader implements MappedBatchLoader<Members, Connection<User>> {
    private static final String COUNT = "(select count(*) from group_members m where m.group_id = parent.id)";

    /** For the order of joining, for which the memberships have an index. */
    static final Rows<User> AS_JOINED = new Rows<>(
                    "group_members m join users u on u.id = m.user_id",
                    "m.group_id = parent.id",
                    User.COLUMNS,
                    User::read)
            .countedBy(COUNT);

    /**
     * For an order of users. The members of a small group are sorted; for a large group, the index of the order is
     * walked.
     */
    static final Rows<User> AMONG_USERS = new Rows<>("users u", "true", User.COLUMNS, User::read)
            .filteredBy("exists (select from group_members m where m.group_id = parent.id and m.user_id = u.id)")
            .among("u.id", "select m.user_id from group_members m where m.group_id = parent.id")
            .countedBy(COUNT);

    private final Pages pages;

    MembersByGroupDataLoader(Pages pages) {
        this.pages = pages;
    }

    record Members(Rows<User> rows, OfParent page) {}

    @Override
    public CompletionStage<Map<Members, Connection<User>>> load(Set<Members> keys) {
        Map<Rows<User>, Set<OfParent>> lists = keys.stream()
                .collect(Collectors.groupingBy(
                        Members::rows, Collectors.mapping(Members::page, Collectors.toCollection(LinkedHashSet::new))));
        Map<Members, Connection<User>> loaded = HashMap.newHashMap(keys.size());
        lists.forEach((rows, members) -> pages.load(rows, members)
                .forEach((page, connection) -> loaded.put(new Members(rows, page), connection)));
        return CompletableFuture.completedFuture(loaded);
    }
}
