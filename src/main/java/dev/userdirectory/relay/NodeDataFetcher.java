package dev.userdirectory.relay;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.input.BadUserInput;
import graphql.schema.DataFetchingEnvironment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.dataloader.DataLoader;

@DgsComponent
class NodeDataFetcher {
    private static final int MAX_IDS = 100;

    @DgsQuery
    CompletableFuture<Node> node(@InputArgument String id, DataFetchingEnvironment env) {
        return load(GlobalId.parse("id", id), env);
    }

    @DgsQuery
    CompletableFuture<List<Node>> nodes(@InputArgument List<String> ids, DataFetchingEnvironment env) {
        if (ids.size() > MAX_IDS) {
            throw new BadUserInput("ids", "has at most " + MAX_IDS + " IDs, not " + ids.size() + ".");
        }
        // All IDs are parsed before any is loaded, so a bad one costs no statement.
        List<GlobalId> parsed = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            parsed.add(GlobalId.parse("ids." + i, ids.get(i)));
        }
        List<CompletableFuture<Node>> nodes =
                parsed.stream().map(id -> load(id, env)).toList();
        return CompletableFuture.allOf(nodes.toArray(CompletableFuture[]::new))
                .thenApply(done -> nodes.stream().map(CompletableFuture::join).toList());
    }

    private static CompletableFuture<Node> load(GlobalId id, DataFetchingEnvironment env) {
        DataLoader<UUID, Node> loader =
                Objects.requireNonNull(env.getDataLoader(id.type().typeName()));
        return loader.load(id.uuid());
    }
}
