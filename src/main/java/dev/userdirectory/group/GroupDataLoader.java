package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.relay.NodeType;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.dataloader.MappedBatchLoader;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.support.SqlArrayValue;

@DgsDataLoader(name = "Group", caching = false)
class GroupDataLoader implements MappedBatchLoader<UUID, Group> {
    private static final String SQL = "select " + Group.COLUMNS + " from groups g where g.id = any(?)";

    private final ReadDatabase reads;

    GroupDataLoader(ReadDatabase reads) {
        this.reads = reads;
    }

    @Bean
    static NodeType groupType() {
        return Group.TYPE;
    }

    @Override
    public CompletionStage<Map<UUID, Group>> load(Set<UUID> ids) {
        return CompletableFuture.completedFuture(
                reads.query(jdbc -> jdbc.query(SQL, Group::read, new SqlArrayValue("uuid", ids.toArray()))).stream()
                        .collect(Collectors.toMap(Group::uuid, Function.identity())));
    }
}
