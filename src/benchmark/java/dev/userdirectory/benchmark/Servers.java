package dev.userdirectory.benchmark;

import dev.userdirectory.LocalPostgres;
import dev.userdirectory.ServiceProcess;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;

/** PostgreSQL, with data that is kept from run to run, and processes of the service, each started when first needed. */
final class Servers implements AutoCloseable {
    private static final Path DATA = Path.of(".data", "benchmark").toAbsolutePath();
    /** Which PostgreSQL writes, in JSON. */
    private static final Path LOG = DATA.resolve("postgres.json");

    private static final String MILLION_DATABASE = "postgres";
    private static final String FEW_DATABASE = "few";

    private final List<String> javaOptions;
    private final List<String> otherJavaOptions;
    private final boolean caching;
    private final EmbeddedPostgres postgres;
    private final Map<Kind, ServiceProcess> services = new LinkedHashMap<>();
    private final Map<Kind, ServiceProcess> others = new LinkedHashMap<>();
    /** By the shortcut that is switched off. */
    private final Map<String, ServiceProcess> without = new LinkedHashMap<>();

    final JdbcTemplate million;
    final JdbcTemplate few;
    final @Nullable PgBench pgBench;

    enum Kind {
        MILLION_USERS,
        /** The same with answers kept. */
        CACHED,
        TEN_THOUSAND_USERS,
        /** With a {@link StaticDocument}. */
        STATIC;

        String database() {
            return this == TEN_THOUSAND_USERS ? FEW_DATABASE : MILLION_DATABASE;
        }
    }

    /**
     * @param otherJavaOptions for the other build, after those
     * @param caching whether answers are kept by the others than {@link Kind#CACHED}, too
     */
    Servers(List<String> javaOptions, List<String> otherJavaOptions, boolean caching)
            throws IOException, InterruptedException {
        this.javaOptions = javaOptions;
        this.otherJavaOptions = otherJavaOptions;
        this.caching = caching;
        Files.createDirectories(DATA);
        Files.deleteIfExists(LOG);
        EmbeddedPostgres.Builder settings = LocalPostgres.embedded()
                // All of it fits.
                .setServerConfig("shared_buffers", "1536MB")
                .setServerConfig("max_wal_size", "4GB")
                // What is embedded is for tests, and does without.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("logging_collector", "on")
                .setServerConfig("log_destination", "jsonlog")
                .setServerConfig("log_directory", DATA.toString())
                .setServerConfig("log_filename", "postgres.log")
                .setServerConfig("log_rotation_size", "0");
        postgres = LocalPostgres.start(settings, DATA.resolve("postgres"));
        pgBench = PgBench.find(postgres, LOG).orElse(null);
        million = new JdbcTemplate(postgres.getDatabase("postgres", MILLION_DATABASE));
        few = new JdbcTemplate(postgres.getDatabase("postgres", FEW_DATABASE));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            services.values().forEach(ServiceProcess::kill);
            others.values().forEach(ServiceProcess::kill);
            without.values().forEach(ServiceProcess::kill);
        }));
    }

    /** The first run loads the users. */
    void prepare() throws IOException, InterruptedException {
        if (million.queryForList("select from pg_database where datname = ?", FEW_DATABASE)
                .isEmpty()) {
            million.execute("create database " + FEW_DATABASE);
        }
        removeCreated();
        service(Kind.MILLION_USERS);
        load(million, 1_000_000);
        service(Kind.TEN_THOUSAND_USERS);
        load(few, 10_000);
    }

    private static void load(JdbcTemplate jdbc, int users) throws IOException {
        if (!jdbc.queryForList("select from users limit 1").isEmpty()) {
            return;
        }
        long start = System.nanoTime();
        String sample = new ClassPathResource("db/sample/million.sql").getContentAsString(StandardCharsets.UTF_8);
        jdbc.execute(sample.replace("generate_series(1, 1000000)", "generate_series(1, " + users + ")"));
        jdbc.execute("vacuum analyze");
        System.out.printf("%,d users loaded in %d s%n", users, (System.nanoTime() - start) / 1_000_000_000);
    }

    /** Also what a run that was killed has left behind. */
    private void removeCreated() {
        if (million.queryForObject("select to_regclass('users')", String.class) != null
                && million.update("delete from users where email like '%" + Workloads.CREATED + "'") > 0) {
            million.execute("vacuum analyze");
        }
    }

    ServiceProcess service(Kind kind) throws IOException, InterruptedException {
        ServiceProcess service = services.get(kind);
        return service != null ? service : keep(services, kind, start(kind, ServiceProcess.jar(), List.of()));
    }

    /** Likewise, of another build. */
    ServiceProcess other(Kind kind, Path jar) throws IOException, InterruptedException {
        ServiceProcess service = others.get(kind);
        return service != null ? service : keep(others, kind, start(kind, jar, otherJavaOptions));
    }

    /** The service for a million users, with one shortcut switched off. */
    ServiceProcess without(String shortcut) throws IOException, InterruptedException {
        ServiceProcess service = without.get(shortcut);
        return service != null
                ? service
                : keep(
                        without,
                        shortcut,
                        start(
                                Kind.MILLION_USERS,
                                ServiceProcess.jar(),
                                List.of("-Ddirectory.shortcuts." + shortcut + "=false")));
    }

    private static <K> ServiceProcess keep(Map<K, ServiceProcess> started, K key, ServiceProcess service)
            throws IOException, InterruptedException {
        started.put(key, service);
        service.awaitFirstAnswer();
        return service;
    }

    private ServiceProcess start(Kind kind, Path jar, List<String> moreJavaOptions) throws IOException {
        List<String> java = new ArrayList<>(List.of("-Xmx256m"));
        // What a JVM chooses by itself in a container that is so small.
        java.addAll(javaOptions.isEmpty() ? List.of("-XX:+UseSerialGC") : javaOptions);
        java.addAll(moreJavaOptions);
        if (kind == Kind.STATIC) {
            java.addAll(List.of("-Dloader.path=" + staticDocument(), "-cp", jar.toString()));
            java.add("org.springframework.boot.loader.launch.PropertiesLauncher");
            java.add("--spring.main.sources=" + StaticDocument.class.getName());
        } else {
            java.addAll(List.of("-jar", jar.toString()));
        }
        if (kind != Kind.CACHED && !caching) {
            java.add("--directory.cache.enabled=false");
        }
        String url = postgres.getJdbcUrl("postgres", kind.database());
        return new ServiceProcess(java, url, DATA.resolve("service.log"));
    }

    /** A folder with that one class, beside the packaged ones. */
    private static Path staticDocument() throws IOException {
        String name = StaticDocument.class.getName().replace('.', '/') + ".class";
        Path folder = DATA.resolve("static");
        Files.createDirectories(folder.resolve(name).getParent());
        try (InputStream code = Objects.requireNonNull(StaticDocument.class.getResourceAsStream("/" + name))) {
            Files.copy(code, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
        return folder;
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (ServiceProcess service : services.values()) {
            service.close();
        }
        for (ServiceProcess other : others.values()) {
            other.close();
        }
        for (ServiceProcess other : without.values()) {
            other.close();
        }
        removeCreated();
        postgres.close();
    }
}
