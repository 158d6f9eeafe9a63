package dev.userdirectory.database;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Chooses the server that queries read from: the replica, if there is one and it has replayed everything that was
 * committed before, or else the primary. So a response is never older than an acknowledged write, regardless of the
 * client and the instance that wrote.
 *
 * <p>A replica may show a commit a moment before the primary does. Queries whose rows are compared with data from the
 * primary use {@link #fromPrimary}.
 */
@Component
public class ReadDatabase {
    private final JdbcTemplate primary;
    private final @Nullable Replica replica;
    private final Counter primaryReads;
    private final Counter replicaReads;

    ReadDatabase(
            JdbcTemplate primary,
            @Qualifier(ReplicaConfiguration.REPLICA) ObjectProvider<DataSource> replica,
            ReplicaProperties properties,
            MeterRegistry meters) {
        this.primary = primary;
        DataSource found = replica.getIfAvailable();
        Replica configured =
                found == null ? null : new Replica(primary, new JdbcTemplate(found), properties.patience());
        if (configured != null) {
            Gauge.builder("directory.replica.used", configured, it -> it.isFailing() ? 0 : 1)
                    .description(
                            "1 if the last query could read from the replica, 0 if the replica failed or was behind")
                    .register(meters);
        }
        this.replica = configured;
        this.primaryReads = count(meters, "primary");
        this.replicaReads = count(meters, "replica");
    }

    private static Counter count(MeterRegistry meters, String server) {
        return Counter.builder("directory.reads")
                .description("Queries by the server that they read from")
                .tag("server", server)
                .register(meters);
    }

    /** @param query may run twice, so it must not keep state between runs */
    public <T> T query(Function<JdbcTemplate, T> query) {
        if (replica == null || !replica.isUpToDate()) {
            return fromPrimary(query);
        }
        try {
            T result = query.apply(replica.jdbc());
            replicaReads.increment();
            replica.succeeded();
            return result;
        } catch (DataAccessException e) {
            // If the request was stopped or its query is wrong, the primary fails, too, and the replica stays in use.
            T result = fromPrimary(query);
            replica.failed(e);
            return result;
        }
    }

    public <T> T fromPrimary(Function<JdbcTemplate, T> query) {
        primaryReads.increment();
        return query.apply(primary);
    }
}
