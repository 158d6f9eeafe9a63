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
import java.util.List;
import java.util.stream.Stream;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/** A PostgreSQL, and another one that is its streaming replica. They end with the JVM. */
public class PostgresPair {
    private final EmbeddedPostgres primary;
    private final EmbeddedPostgres replica;
    private final Path replicaData;

    public PostgresPair() {
        try {
            Path folder = Files.createTempDirectory("postgres-pair");
            Path primaryData = folder.resolve("primary");
            primary = LocalPostgres.embedded()
                    .setServerConfig("synchronous_commit", "on")
                    .setDataDirectory(primaryData)
                    .start();
            replicaData = folder.resolve("replica");
            try (Connection connection = primary.getPostgresDatabase().getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("select pg_backup_start('replica', true)");
                copy(primaryData, replicaData);
                try (ResultSet backup = statement.executeQuery("select labelfile from pg_backup_stop(false)")) {
                    backup.next();
                    Files.writeString(replicaData.resolve("backup_label"), backup.getString(1));
                }
            }
            Files.createFile(replicaData.resolve("standby.signal"));
            Files.writeString(
                    replicaData.resolve("postgresql.auto.conf"),
                    "primary_conninfo = 'host=127.0.0.1 port=%d user=postgres'%n".formatted(primary.getPort()),
                    StandardOpenOption.APPEND);
            replica = LocalPostgres.embedded()
                    .setDataDirectory(replicaData)
                    .setCleanDataDirectory(false)
                    .start();
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
                        // a temporary one
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

    public String replicaUrl() {
        return url(replica);
    }

    private static String url(EmbeddedPostgres postgres) {
        return postgres.getJdbcUrl("postgres", "postgres");
    }

    /** Lets all processes of the replica stand still, or go on: they keep their connections and say nothing. */
    public void freezeReplica(boolean frozen) throws IOException, InterruptedException {
        long pid = Long.parseLong(Files.readAllLines(replicaData.resolve("postmaster.pid"))
                .getFirst()
                .strip());
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
        for (ProcessHandle process :
                Stream.concat(Stream.of(server), server.descendants()).toList()) {
            new ProcessBuilder(List.of("kill", frozen ? "-STOP" : "-CONT", String.valueOf(process.pid())))
                    .start()
                    .waitFor();
        }
    }
}
