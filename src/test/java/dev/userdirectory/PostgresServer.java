package dev.userdirectory;

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
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.FileSystemUtils;

/** A PostgreSQL that keeps its port when it is killed, restarted or restored. It stops with the JVM. */
public class PostgresServer {
    private final Path data;
    private final int port;
    private EmbeddedPostgres postgres;

    public PostgresServer() {
        this(Ports.freePort());
    }

    public PostgresServer(int port) {
        this.port = port;
        try {
            data = Files.createTempDirectory("postgres-server").resolve("data");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        postgres = start();
    }

    private EmbeddedPostgres start() {
        try {
            return LocalPostgres.embedded()
                    // Embedded servers are configured not to keep their data; this restores PostgreSQL's defaults.
                    .setServerConfig("fsync", "on")
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("full_page_writes", "on")
                    // A commit is flushed only if its transaction waits for that.
                    .setServerConfig("wal_writer_delay", "10s")
                    .setPort(port)
                    .setPGStartupWait(Duration.ofMinutes(1))
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public JdbcConnectionDetails details() {
        return new TestPostgres.Server(postgres.getJdbcUrl("postgres", "postgres"), "postgres", "postgres");
    }

    public JdbcTemplate jdbc() {
        return new JdbcTemplate(postgres.getPostgresDatabase());
    }

    public Connection connect() throws SQLException {
        return postgres.getPostgresDatabase().getConnection();
    }

    public int port() {
        return port;
    }

    public void killAndRestart() throws IOException {
        kill();
        restart();
    }

    /** {@code kill -9}. */
    public void kill() {
        try {
            kill(data);
            postgres.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts the killed server again. */
    public void restart() {
        postgres = start();
    }

    /** {@code kill -9} of the postmaster that has this data directory, and of all of its processes. */
    public static void kill(Path data) throws IOException {
        Path pidFile = data.resolve("postmaster.pid");
        if (Files.notExists(pidFile)) {
            return;
        }
        ProcessHandle server = ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(pidFile).getFirst().strip()))
                .orElseThrow();
        List<ProcessHandle> children = server.children().toList();
        server.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        server.onExit().orTimeout(20, TimeUnit.SECONDS).join();
        // No process may still use the killed server's shared memory.
        children.forEach(child -> child.onExit().orTimeout(20, TimeUnit.SECONDS).join());
        Files.delete(pidFile);
    }

    /** Copies the data directory as it is now, as {@code pg_basebackup} does. */
    public Path copy() throws IOException, SQLException {
        Path copy = Files.createTempDirectory("postgres-copy").resolve("data");
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_backup_start('copy', true)");
            copy(data, copy);
            try (ResultSet backup = statement.executeQuery("select labelfile from pg_backup_stop(false)")) {
                backup.next();
                Files.writeString(copy.resolve("backup_label"), backup.getString(1));
            }
        }
        // This WAL contains the end of the backup, too.
        for (Path file : files(data.resolve("pg_wal"))) {
            Path target = copy.resolve(data.relativize(file));
            if (Files.isRegularFile(file)) {
                Files.deleteIfExists(target);
                Files.copy(file, target);
            }
        }
        return copy;
    }

    /** Starts a streaming replica on the copy. It stops with the JVM. */
    public EmbeddedPostgres replica(Path copy) throws IOException {
        Files.createFile(copy.resolve("standby.signal"));
        Files.writeString(
                copy.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'%n".formatted(port),
                StandardOpenOption.APPEND);
        return LocalPostgres.embedded()
                .setDataDirectory(copy)
                .setCleanDataDirectory(false)
                .start();
    }

    /** Kills the server and starts it on the copy: on the same timeline, or on a new one by point-in-time recovery. */
    public void restore(Path copy, boolean onNewTimeline) throws IOException {
        kill();
        FileSystemUtils.deleteRecursively(data);
        copy(copy, data);
        if (onNewTimeline) {
            Files.createFile(data.resolve("recovery.signal"));
            Files.writeString(data.resolve("postgresql.auto.conf"), """
                    restore_command = 'false'
                    recovery_target = 'immediate'
                    recovery_target_action = 'promote'
                    """, StandardOpenOption.APPEND);
        }
        postgres = start();
    }

    private static void copy(Path from, Path to) throws IOException {
        for (Path file : files(from)) {
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

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.toList();
        }
    }
}
