package dev.userdirectory;

import static org.awaitility.Awaitility.await;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;

/** A PostgreSQL and its streaming replica, or several replicas. They stop with the JVM. */
public class PostgresPair {
    private final Path folder;
    private final Map<EmbeddedPostgres, Path> data = new ConcurrentHashMap<>();
    private final EmbeddedPostgres primary;
    private final EmbeddedPostgres replica;

    public PostgresPair() {
        try {
            folder = Files.createTempDirectory("postgres-pair");
            primary = LocalPostgres.embedded()
                    .setServerConfig("synchronous_commit", "on")
                    .setDataDirectory(folder.resolve("primary"))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        data.put(primary, folder.resolve("primary"));
        replica = addReplica("replica");
    }

    public final EmbeddedPostgres addReplica(String name) {
        Path copy = folder.resolve(name);
        try {
            try (Connection connection = primary.getPostgresDatabase().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("select pg_backup_start('replica', true)");
                copy(folder.resolve("primary"), copy);
                try (ResultSet backup = statement.executeQuery("select labelfile from pg_backup_stop(false)")) {
                    backup.next();
                    Files.writeString(copy.resolve("backup_label"), backup.getString(1));
                }
            }
            Files.createFile(copy.resolve("standby.signal"));
            Files.writeString(
                    copy.resolve("postgresql.auto.conf"),
                    "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'%n".formatted(primary.getPort()),
                    StandardOpenOption.APPEND);
            EmbeddedPostgres added = LocalPostgres.embedded()
                    .setServerConfig("synchronous_commit", "on")
                    .setDataDirectory(copy)
                    .setCleanDataDirectory(false)
                    .start();
            data.put(added, copy);
            return added;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path copy = to.resolve(from.relativize(file));
                if (Files.isDirectory(file)) {
                    Files.createDirectory(
                            copy, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                } else if (!file.endsWith("postmaster.pid")) {
                    try {
                        Files.copy(file, copy);
                    } catch (NoSuchFileException e) {
                        // A temporary file that PostgreSQL has deleted.
                    }
                }
            }
        }
    }

    public EmbeddedPostgres primary() {
        return primary;
    }

    public EmbeddedPostgres replica() {
        return replica;
    }

    public JdbcConnectionDetails primaryDetails() {
        return new TestPostgres.Server(url(primary), "postgres", "postgres");
    }

    /** Connects to the server that is the primary at that time. */
    public JdbcConnectionDetails details() {
        return new TestPostgres.Server(
                "jdbc:postgresql://localhost:%d,localhost:%d/postgres?targetServerType=primary"
                        .formatted(primary.getPort(), replica.getPort()),
                "postgres",
                "postgres");
    }

    /** Cuts the replica off from the primary once it has replayed everything, so that it lacks all later writes. */
    public void disconnectReplica() {
        JdbcTemplate jdbc = new JdbcTemplate(primary.getPostgresDatabase());
        JdbcTemplate standby = new JdbcTemplate(replica.getPostgresDatabase());
        await().until(() -> Boolean.TRUE.equals(standby.queryForObject(
                "select pg_last_wal_replay_lsn() >= ?::pg_lsn",
                Boolean.class,
                jdbc.queryForObject("select pg_current_wal_flush_lsn()", String.class))));
        standby.execute("alter system set primary_conninfo = ''");
        standby.execute("select pg_reload_conf()");
        await().until(() ->
                standby.queryForList("select from pg_stat_wal_receiver").isEmpty());
    }

    public String replicaUrl() {
        return url(replica);
    }

    private static String url(EmbeddedPostgres postgres) {
        return postgres.getJdbcUrl("postgres", "postgres");
    }

    /** Whether the primary acknowledges a commit only once a replica has it. */
    public void synchronousStandby(boolean synchronous) {
        JdbcTemplate jdbc = new JdbcTemplate(primary.getPostgresDatabase());
        String names = synchronous ? "*" : "";
        jdbc.execute("alter system set synchronous_standby_names = '" + names + "'");
        jdbc.execute("select pg_reload_conf()");
        String state = synchronous ? "sync" : "async";
        await().until(() -> jdbc.queryForList("select sync_state from pg_stat_replication", String.class)
                .contains(state));
    }

    /** Suspends or resumes all processes of the replica. Suspended ones keep their connections but do not respond. */
    public void freezeReplica(boolean frozen) throws IOException, InterruptedException {
        freeze(replica, frozen);
    }

    public void freeze(EmbeddedPostgres server, boolean frozen) throws IOException, InterruptedException {
        ProcessHandle postmaster = postmaster(server);
        for (ProcessHandle process :
                Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList()) {
            new ProcessBuilder(List.of("kill", frozen ? "-STOP" : "-CONT", String.valueOf(process.pid())))
                    .start()
                    .waitFor();
        }
    }

    /** Kills all processes of a server with {@code SIGKILL}. */
    public void kill(EmbeddedPostgres server) throws IOException {
        ProcessHandle postmaster = postmaster(server);
        List<ProcessHandle> children = postmaster.children().toList();
        postmaster.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }

    private ProcessHandle postmaster(EmbeddedPostgres server) throws IOException {
        Path file = Objects.requireNonNull(data.get(server)).resolve("postmaster.pid");
        return ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(file).getFirst().strip()))
                .orElseThrow();
    }
}
