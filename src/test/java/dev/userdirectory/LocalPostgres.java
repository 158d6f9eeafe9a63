package dev.userdirectory;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/** An embedded PostgreSQL that keeps its data under the project, from run to run. */
@TestConfiguration(proxyBeanMethods = false)
public class LocalPostgres {
    private static final Logger log = LoggerFactory.getLogger(LocalPostgres.class);
    private static final Path DATA = Path.of(".data", "postgres").toAbsolutePath();
    private static final Path LOG = DATA.resolveSibling("postgres.log");

    /** Is held until the JVM ends. */
    private @Nullable FileLock lock;

    @Bean(destroyMethod = "close")
    EmbeddedPostgres embeddedPostgres() throws IOException, InterruptedException {
        Files.createDirectories(LOG.getParent());
        lock = FileChannel.open(LOG.resolveSibling("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)
                .tryLock();
        if (lock == null) {
            log.error("Another run of the service uses {}. Stop it first", LOG.getParent());
            // An orderly exit would wait for the start, which waits for this.
            Runtime.getRuntime().halt(1);
        }
        log.info("PostgreSQL logs to {}", LOG);
        Redirect redirect = Redirect.appendTo(LOG.toFile());
        EmbeddedPostgres postgres =
                start(embedded().setOutputRedirector(redirect).setErrorRedirector(redirect), DATA);
        log.info("PostgreSQL runs on {}, its data is in {}", postgres.getJdbcUrl("postgres", "postgres"), DATA);
        return postgres;
    }

    @Bean
    JdbcConnectionDetails jdbcConnectionDetails(EmbeddedPostgres postgres) {
        return new TestPostgres.Server(postgres.getJdbcUrl("postgres", "postgres"), "postgres", "postgres");
    }

    public static EmbeddedPostgres start(EmbeddedPostgres.Builder builder, Path data)
            throws IOException, InterruptedException {
        stopLeftOver(data);
        return builder.setDataDirectory(data).setCleanDataDirectory(false).start();
    }

    /** Sorts and folds by Unicode code points on every platform, regardless of the images' defaults. */
    public static EmbeddedPostgres.Builder embedded() {
        return EmbeddedPostgres.builder()
                .setLocaleConfig("locale-provider", "builtin")
                .setLocaleConfig("builtin-locale", "C.UTF-8")
                .setLocaleConfig("locale", "C");
    }

    /** Stops the server that a killed run has left behind, which would keep the data directory locked. */
    private static void stopLeftOver(Path data) throws IOException, InterruptedException {
        Path pidFile = data.resolve("postmaster.pid");
        if (!Files.exists(pidFile)) {
            return;
        }
        ProcessHandle server = ProcessHandle.of(
                        Long.parseLong(Files.readAllLines(pidFile).getFirst().strip()))
                .orElse(null);
        if (server == null || !server.info().command().orElse("").matches(".*postgres(\\.exe)?")) {
            return;
        }
        server.destroy();
        try {
            server.onExit().get(5, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new IllegalStateException("Another run of the service uses " + data + "; stop it first", e);
        }
    }
}
