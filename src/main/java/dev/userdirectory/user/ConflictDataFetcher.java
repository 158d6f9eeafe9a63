package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import dev.userdirectory.input.InputError;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.relay.Node;
import dev.userdirectory.relay.Nodes;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Shows the object that is in the way of a mutation, as it is now. */
@DgsComponent
class ConflictDataFetcher {
    private final GlobalIds ids;
    private final Nodes nodes;

    ConflictDataFetcher(GlobalIds ids, Nodes nodes) {
        this.ids = ids;
        this.nodes = nodes;
    }

    @DgsData(parentType = "InputError", field = "current")
    CompletableFuture<? extends @Nullable Node> current(DgsDataFetchingEnvironment env) {
        InputError error = Objects.requireNonNull(env.getSource());
        if (error.currentId() != null) {
            GlobalId id = ids.parse("currentId", error.currentId());
            return nodes.load(id, id.type(), env);
        }
        return error.currentEmail() == null
                ? CompletableFuture.completedFuture(null)
                : env.<String, @Nullable User>getDataLoader(UserByEmailDataLoader.class)
                        .load(error.currentEmail());
    }
}
