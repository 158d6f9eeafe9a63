package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.PostgresPair;
import dev.userdirectory.Soak;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.jdbc.core.JdbcTemplate;

/** A standby that lacks the last transactions is promoted while the replicas of the old primary still run. */
@Soak("promotes a standby")
@Timeout(180)
class ReplicaFailoverTest {
    private final PostgresPair servers = new PostgresPair();
    private final EmbeddedPostgres promoted = servers.replica();
    private final EmbeddedPostgres ahead = servers.addReplica("ahead");
    private final EmbeddedPostgres following = servers.addReplica("following");
    private final JdbcTemplate oldPrimary = jdbc(servers.primary());
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @Test
    void onlyReplicaThatFollowsTheNewPrimaryIsRead() {
        Flyway.configure()
                .dataSource(servers.primary().getPostgresDatabase())
                .locations("filesystem:db/migration")
                .load()
                .migrate();
        oldPrimary.execute("create table written (n int)");
        for (EmbeddedPostgres standby : new EmbeddedPostgres[] {promoted, following}) {
            await().until(() -> hasReplayed(standby));
            connect(standby, "");
        }
        oldPrimary.update("insert into written select generate_series(1, 10000)");
        await().until(() -> hasReplayed(ahead));
        jdbc(promoted).queryForObject("select pg_promote()", Boolean.class);
        ReadDatabase readsAhead = reads(ahead);
        ReadDatabase readsFollowing = reads(following);

        for (int i = 1; i <= 20; i++) {
            jdbc(promoted).update("insert into written values (?)", i);
            assertThat(count(readsAhead)).isEqualTo(i);
        }
        assertThat(replicaReads()).isZero();

        connect(following, "host=127.0.0.1 port=%d user=postgres".formatted(promoted.getPort()));
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            assertThat(count(readsFollowing)).isEqualTo(20);
            return replicaReads() > 0;
        });
    }

    private static Integer count(ReadDatabase reads) {
        return reads.query(
                jdbc -> Objects.requireNonNull(jdbc.queryForObject("select count(*) from written", Integer.class)));
    }

    private double replicaReads() {
        return meters.get("directory.reads").tag("server", "replica").counter().count();
    }

    private ReadDatabase reads(EmbeddedPostgres replica) {
        return new ReadDatabase(
                jdbc(promoted),
                new StaticListableBeanFactory(Map.of("replica", replica.getPostgresDatabase()))
                        .getBeanProvider(DataSource.class),
                new ReplicaProperties(null, null, null, Duration.ofMillis(500)),
                meters);
    }

    private boolean hasReplayed(EmbeddedPostgres standby) {
        String flushed = oldPrimary.queryForObject("select pg_current_wal_flush_lsn()", String.class);
        return Boolean.TRUE.equals(
                jdbc(standby).queryForObject("select pg_last_wal_replay_lsn() >= ?::pg_lsn", Boolean.class, flushed));
    }

    private static void connect(EmbeddedPostgres standby, String primary) {
        JdbcTemplate jdbc = jdbc(standby);
        jdbc.execute("alter system set primary_conninfo = '" + primary + "'");
        jdbc.execute("select pg_reload_conf()");
        if (primary.isEmpty()) {
            await().until(() ->
                    jdbc.queryForList("select from pg_stat_wal_receiver").isEmpty());
        }
    }

    private static JdbcTemplate jdbc(EmbeddedPostgres server) {
        return new JdbcTemplate(server.getPostgresDatabase());
    }
}
