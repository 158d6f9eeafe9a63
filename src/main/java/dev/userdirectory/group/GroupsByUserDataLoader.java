package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.page.Pages;
import dev.userdirectory.page.Pages.OfParent;
import dev.userdirectory.page.Rows;
import dev.userdirectory.relay.Connection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.dataloader.MappedBatchLoader;

@DgsDataLoader(name = "User.groups", caching = false)
class GroupsByUserDataLoader implements MappedBatchLoader<OfParent, Connection<Group>> {
    private static final Rows<Group> ROWS = new Rows<>(
                    "group_members m join groups g on g.id = m.group_id",
                    "m.user_id = parent.id",
                    Group.COLUMNS,
                    Group::read)
            .countedBy("(select count(*) from group_members m where m.user_id = parent.id)");

    private final Pages pages;

    GroupsByUserDataLoader(Pages pages) {
        this.pages = pages;
    }

    @Override
    public CompletionStage<Map<OfParent, Connection<Group>>> load(Set<OfParent> keys) {
        return CompletableFuture.completedFuture(pages.load(ROWS, keys));
    }
}
