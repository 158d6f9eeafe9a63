package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsDataLoader;
import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.database.RequestCollapser;
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

/** Concurrent requests that look up a few users each share one statement. */
@DgsDataLoader(name = "User", caching = false)
public class UserDataLoader implements MappedBatchLoader<UUID, User> {
    private static final String SQL = "select " + User.COLUMNS + " from users u where u.id = any(?)";
    /** One statement per core: more at a time would only wait for a core. */
    private static final int STATEMENTS = Runtime.getRuntime().availableProcessors();
    /** A request for at least this many users gets its own statement. */
    private static final int MANY = 20;

    private final ReadDatabase reads;
    private final RequestCollapser<UUID, User> shared = new RequestCollapser<>(STATEMENTS, this::query);

    UserDataLoader(ReadDatabase reads) {
        this.reads = reads;
    }

    @Bean
    static NodeType userType() {
        return User.TYPE;
    }

    @Override
    public CompletionStage<Map<UUID, User>> load(Set<UUID> ids) {
        return CompletableFuture.completedFuture(find(ids));
    }

    /** Returns the users that exist, and possibly some that other requests have asked for. */
    public Map<UUID, User> find(Set<UUID> ids) {
        return ids.size() < MANY ? shared.load(ids) : query(ids);
    }

    private Map<UUID, User> query(Set<UUID> ids) {
        return reads.query(jdbc -> jdbc.query(SQL, User::read, new SqlArrayValue("uuid", ids.toArray()))).stream()
                .collect(Collectors.toMap(User::uuid, Function.identity()));
    }
}
