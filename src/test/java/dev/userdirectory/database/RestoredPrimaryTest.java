package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.PostgresServer;
import dev.userdirectory.Soak;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.support.StaticListableBeanFactory;

/** The primary is restored from a copy, on the same timeline, while a replica of it still runs. */
@Soak("restores PostgreSQL")
@Timeout(180)
class RestoredPrimaryTest {
    private final PostgresServer primary = new PostgresServer();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @Test
    void replicaThatIsAheadIsNotRead() throws Exception {
        Flyway.configure()
                .dataSource(primary.jdbc().getDataSource())
                .locations("filesystem:db/migration")
                .load()
                .migrate();
        primary.jdbc().execute("create table written (n int)");
        EmbeddedPostgres replica = primary.replica(primary.copy());
        Path copy = primary.copy();
        primary.jdbc().update("insert into written select generate_series(1, 10000)");
        ReadDatabase reads = reads(replica);
        Waiting.until(() -> count(reads) == 10_000 && replicaReads() > 0);
        double before = replicaReads();

        primary.restore(copy, false);

        // So few writes that the replica stays ahead of the primary.
        for (int i = 1; i <= 20; i++) {
            primary.jdbc().update("insert into written values (?)", i);
            assertThat(count(reads)).isEqualTo(i);
        }
        assertThat(replicaReads()).isEqualTo(before);
    }

    private static int count(ReadDatabase reads) {
        return reads.query(
                jdbc -> Objects.requireNonNull(jdbc.queryForObject("select count(*) from written", Integer.class)));
    }

    private double replicaReads() {
        return meters.get("directory.reads").tag("server", "replica").counter().count();
    }

    private ReadDatabase reads(EmbeddedPostgres replica) {
        return new ReadDatabase(
                primary.jdbc(),
                new StaticListableBeanFactory(Map.of("replica", replica.getPostgresDatabase()))
                        .getBeanProvider(DataSource.class),
                new ReplicaProperties(null, null, null, Duration.ofMillis(500)),
                meters);
    }
}
