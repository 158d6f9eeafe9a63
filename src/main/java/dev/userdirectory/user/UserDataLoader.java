package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsDataLoader;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.dataloader.MappedBatchLoader;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;

@DgsDataLoader(name = "User", caching = false)
public class UserDataLoader implements MappedBatchLoader<UUID, User> {
    private static final String SQL = "select " + User.COLUMNS + " from users u where u.id = any(?)";

    private final JdbcTemplate jdbc;

    UserDataLoader(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @Override
    public CompletionStage<Map<UUID, User>> load(Set<UUID> ids) {
        return CompletableFuture.completedFuture(find(ids));
    }

    /** Those that there are, in one statement. */
    public Map<UUID, User> find(Set<UUID> ids) {
        return jdbc.query(SQL, User::read, new SqlArrayValue("uuid", ids.toArray())).stream()
                .collect(Collectors.toMap(User::uuid, Function.identity()));
    }
}
