package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputError;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.Node;
import dev.userdirectory.relay.Nodes;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Resolves the object that a mutation conflicts with, in its current state. The scope {@code users:write} is enough for
 * an object that the caller has named by its ID, but not to find users by their addresses. {@code users:self} is enough
 * for the caller's own user.
 */
@DgsComponent
class ConflictDataFetcher {
    private static final String READ = "users:read";
    private static final String WRITE = "users:write";

    private final GlobalIds ids;
    private final Nodes nodes;
    private final ViewerProperties viewer;

    ConflictDataFetcher(GlobalIds ids, Nodes nodes, ViewerProperties viewer) {
        this.ids = ids;
        this.nodes = nodes;
        this.viewer = viewer;
    }

    @DgsData(parentType = "InputError", field = "current")
    CompletableFuture<? extends @Nullable Node> current(Caller caller, DgsDataFetchingEnvironment env) {
        InputError error = Objects.requireNonNull(env.getSource());
        if (error.currentId() != null) {
            GlobalId id = ids.parse("currentId", error.currentId());
            return nodes.<Node>load(id, id.type(), env).thenApply(node -> maySee(caller, node) ? node : null);
        }
        return error.currentEmail() == null || !caller.scopes().contains(READ)
                ? CompletableFuture.completedFuture(null)
                : env.<String, @Nullable User>getDataLoader(UserByEmailDataLoader.class)
                        .load(error.currentEmail());
    }

    private boolean maySee(Caller caller, @Nullable Node node) {
        return caller.scopes().contains(READ)
                || caller.scopes().contains(WRITE)
                || (node instanceof User user && viewer.isUser(caller, user));
    }
}
