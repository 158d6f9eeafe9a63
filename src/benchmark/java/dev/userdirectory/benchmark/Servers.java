package dev.userdirectory.benchmark;

import dev.userdirectory.LocalPostgres;
import dev.userdirectory.ServiceProcess;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** PostgreSQL, whose data is kept between runs, and the builds of the service that use it. */
final class Servers implements AutoCloseable {
    static final Path DATA = Path.of(".data", "benchmark").toAbsolutePath();
    /** The log of PostgreSQL, in JSON. */
    private static final Path LOG = DATA.resolve("postgres.json");

    private final EmbeddedPostgres postgres;

    final Build own;
    final @Nullable Build other;
    final @Nullable PgBench pgBench;

    /**
     * @param against the jar of another build, if there is one
     * @param reference the jar of another server for the same database, if there is one
     * @param otherJavaOptions additional options for the other build
     */
    Servers(List<String> javaOptions, @Nullable Path against, @Nullable Path reference, List<String> otherJavaOptions)
            throws IOException, InterruptedException {
        Files.createDirectories(DATA);
        Files.deleteIfExists(LOG);
        EmbeddedPostgres.Builder settings = LocalPostgres.embedded()
                // Large enough for all data.
                .setServerConfig("shared_buffers", "3GB")
                .setServerConfig("max_wal_size", "4GB")
                // The embedded PostgreSQL is meant for tests, and disables these settings by default.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("logging_collector", "on")
                .setServerConfig("log_destination", "jsonlog")
                .setServerConfig("log_directory", DATA.toString())
                .setServerConfig("log_filename", "postgres.log")
                .setServerConfig("log_rotation_size", "0");
        postgres = LocalPostgres.start(settings, DATA.resolve("postgres"));
        pgBench = PgBench.find(postgres, LOG).orElse(null);
        own = new Build(postgres, ServiceProcess.jar(), "", javaOptions, List.of());
        if (against != null) {
            // A separate database, because triggers and indexes are part of the cost of a write.
            String suffix = "_" + Integer.toHexString(against.toAbsolutePath().hashCode());
            other = new Build(postgres, against, suffix, javaOptions, otherJavaOptions);
        } else {
            other = reference == null ? null : new Build(postgres, reference, "", javaOptions, otherJavaOptions);
        }
    }

    /** The processor time that the running processes of PostgreSQL have used so far. */
    Duration postgresCpuTime() throws IOException {
        String pid = Files.readAllLines(DATA.resolve("postgres").resolve("postmaster.pid"))
                .getFirst();
        return ProcessHandle.of(Long.parseLong(pid.strip())).stream()
                .flatMap(ProcessHandle::children)
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .reduce(Duration.ZERO, Duration::plus);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        own.close();
        if (other != null) {
            other.close();
        }
        postgres.close();
    }
}
