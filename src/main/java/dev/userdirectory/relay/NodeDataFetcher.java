package dev.userdirectory.relay;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.input.BadUserInput;
import graphql.schema.DataFetchingEnvironment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

@DgsComponent
class NodeDataFetcher {
    private static final int MAX_IDS = 100;

    private final GlobalIds globalIds;
    private final Nodes nodes;

    NodeDataFetcher(GlobalIds globalIds, Nodes nodes) {
        this.globalIds = globalIds;
        this.nodes = nodes;
    }

    @DgsQuery
    CompletableFuture<@Nullable Node> node(@InputArgument String id, DataFetchingEnvironment env) {
        return load(globalIds.parse("id", id), env);
    }

    @DgsQuery
    CompletableFuture<List<@Nullable Node>> nodes(@InputArgument List<String> ids, DataFetchingEnvironment env) {
        if (ids.size() > MAX_IDS) {
            throw new BadUserInput("ids", "has at most " + MAX_IDS + " IDs, not " + ids.size() + ".");
        }
        // All IDs are parsed before any object is loaded, so that an invalid ID causes no statement.
        List<GlobalId> parsed = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            parsed.add(globalIds.parse("ids." + i, ids.get(i)));
        }
        List<CompletableFuture<@Nullable Node>> found =
                parsed.stream().map(id -> load(id, env)).toList();
        return CompletableFuture.allOf(found.toArray(CompletableFuture[]::new))
                .thenApply(done -> found.stream().map(CompletableFuture::join).toList());
    }

    private CompletableFuture<@Nullable Node> load(GlobalId id, DataFetchingEnvironment env) {
        return nodes.load(id, id.type(), env);
    }
}
