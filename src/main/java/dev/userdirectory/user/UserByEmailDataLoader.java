package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.database.ReadDatabase;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.dataloader.MappedBatchLoader;

@DgsDataLoader(name = "User.email", caching = false)
class UserByEmailDataLoader implements MappedBatchLoader<String, User> {
    private final ReadDatabase reads;

    UserByEmailDataLoader(ReadDatabase reads) {
        this.reads = reads;
    }

    @Override
    public CompletionStage<Map<String, User>> load(Set<String> emails) {
        return CompletableFuture.completedFuture(reads.query(jdbc -> UsersByEmail.find(jdbc, emails)));
    }
}
