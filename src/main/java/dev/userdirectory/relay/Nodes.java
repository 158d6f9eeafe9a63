package dev.userdirectory.relay;

import dev.userdirectory.graphql.cache.CachedObjects;
import dev.userdirectory.graphql.cache.Dependencies;
import graphql.language.OperationDefinition.Operation;
import graphql.schema.DataFetchingEnvironment;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.dataloader.DataLoader;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Looks up objects by their global IDs: in the cache, or with the data loader of their type. */
@Component
public class Nodes {
    private final CachedObjects cached;

    Nodes(CachedObjects cached) {
        this.cached = cached;
    }

    /** Completes with null if there is no such object, or if it is not of this type. */
    @SuppressWarnings("unchecked") // a data loader loads objects of its type only
    public <T extends Node> CompletableFuture<@Nullable T> load(
            GlobalId id, NodeType type, DataFetchingEnvironment env) {
        Dependencies dependencies = Dependencies.of(env);
        String name = id.toString();
        dependencies.add(name);
        if (!id.type().equals(type)) {
            return CompletableFuture.completedFuture(null);
        }
        // Earlier fields of the mutation may have changed a cached object.
        boolean isMutation = env.getOperationDefinition().getOperation() == Operation.MUTATION;
        Node known = isMutation ? null : (Node) cached.find(name, dependencies);
        if (known != null) {
            return CompletableFuture.completedFuture((T) known);
        }
        DataLoader<UUID, T> loader = Objects.requireNonNull(env.getDataLoader(type.typeName()));
        return loader.load(id.uuid()).thenApply(node -> {
            if (node != null) {
                cached.put(name, node, dependencies);
            }
            return node;
        });
    }
}
