package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Pages.OfParent;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import dev.userdirectory.user.User;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.dataloader.MappedBatchLoader;

@DgsDataLoader(name = "Group.members", caching = false)
class MembersByGroupDataLoader implements MappedBatchLoader<OfParent, Connection<User>> {
    private static final Rows<User> ROWS = new Rows<>(
                    "group_members m join users u on u.id = m.user_id",
                    "m.group_id = parent.id",
                    User.COLUMNS,
                    User::read)
            .countedBy("(select count(*) from group_members m where m.group_id = parent.id)");

    private final Pages pages;

    MembersByGroupDataLoader(Pages pages) {
        this.pages = pages;
    }

    @Override
    public CompletionStage<Map<OfParent, Connection<User>>> load(Set<OfParent> keys) {
        return CompletableFuture.completedFuture(pages.load(ROWS, keys));
    }
}
