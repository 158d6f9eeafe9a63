package dev.userdirectory.benchmark;

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
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;

/** A packaged build of the service, with its databases and its processes, which start on first use. */
final class Build implements AutoCloseable {
    private final EmbeddedPostgres postgres;
    private final Path jar;
    private final String suffix;
    private final List<String> javaOptions;
    private final List<String> moreJavaOptions;
    /** Keyed by kind and by the shortcut that is switched off. */
    private final Map<List<Object>, ServiceProcess> services = new LinkedHashMap<>();

    final JdbcTemplate million;
    final JdbcTemplate few;

    enum Kind {
        /** With the default settings and a million users. */
        DEFAULT,
        NOT_CACHED,
        /** Not cached, with 10,000 users. */
        TEN_THOUSAND_USERS,
        /** With a {@link StaticDocument}. */
        STATIC;

        String database() {
            return this == TEN_THOUSAND_USERS ? "few" : "million";
        }
    }

    /** @param suffix the end of the names of the databases, which are kept between runs */
    Build(EmbeddedPostgres postgres, Path jar, String suffix, List<String> javaOptions, List<String> moreJavaOptions) {
        this.postgres = postgres;
        this.jar = jar;
        this.suffix = suffix;
        this.javaOptions = javaOptions;
        this.moreJavaOptions = moreJavaOptions;
        million = new JdbcTemplate(postgres.getDatabase("postgres", database(Kind.DEFAULT)));
        few = new JdbcTemplate(postgres.getDatabase("postgres", database(Kind.TEN_THOUSAND_USERS)));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> services.values().forEach(ServiceProcess::kill)));
    }

    String database(Kind kind) {
        return kind.database() + suffix;
    }

    ServiceProcess service(Kind kind) throws IOException, InterruptedException {
        return service(kind, "");
    }

    /** The service with one shortcut switched off. */
    ServiceProcess without(String shortcut) throws IOException, InterruptedException {
        return service(Kind.NOT_CACHED, shortcut);
    }

    private ServiceProcess service(Kind kind, String shortcut) throws IOException, InterruptedException {
        List<Object> key = List.of(kind, shortcut);
        ServiceProcess known = services.get(key);
        if (known != null) {
            return known;
        }
        JdbcTemplate jdbc = new JdbcTemplate(postgres.getPostgresDatabase());
        if (jdbc.queryForList("select from pg_database where datname = ?", database(kind))
                .isEmpty()) {
            jdbc.execute("create database " + database(kind));
        }
        boolean isFirst = services.isEmpty();
        ServiceProcess service = start(kind, shortcut);
        services.put(key, service);
        service.awaitFirstAnswer();
        if (kind == Kind.TEN_THOUSAND_USERS) {
            load(few, 10_000);
        } else {
            load(million, 1_000_000);
        }
        if (isFirst && kind != Kind.TEN_THOUSAND_USERS) {
            undoWrites();
        }
        return service;
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

    /** Undoes the writes of all workloads, including those of a run that was killed. */
    private void undoWrites() {
        int changed = Writes.UNDO.stream().mapToInt(million::update).sum();
        if (changed > 0) {
            million.execute("vacuum analyze");
        }
    }

    private ServiceProcess start(Kind kind, String shortcut) throws IOException {
        List<String> java = new ArrayList<>(List.of("-Xmx256m"));
        // The collector that a JVM chooses by default in so small a container.
        java.addAll(javaOptions.isEmpty() ? List.of("-XX:+UseSerialGC") : javaOptions);
        java.addAll(moreJavaOptions);
        if (kind == Kind.STATIC) {
            java.addAll(List.of("-Dloader.path=" + staticDocument(), "-cp", jar.toString()));
            java.add("org.springframework.boot.loader.launch.PropertiesLauncher");
            java.add("--spring.main.sources=" + StaticDocument.class.getName());
        } else {
            java.addAll(List.of("-jar", jar.toString()));
        }
        if (kind != Kind.DEFAULT) {
            java.add("--directory.cache.enabled=false");
        }
        if (!shortcut.isEmpty()) {
            java.add("--directory.shortcuts." + shortcut + "=false");
        }
        // Lets the token that the load uses read metrics, too.
        java.add("--directory.security.actuator-scope=users:read");
        return new ServiceProcess(
                java, postgres.getJdbcUrl("postgres", database(kind)), Servers.DATA.resolve("service.log"));
    }

    /** Creates a folder that contains only {@link StaticDocument}, to be added to the class path of the jar. */
    private static Path staticDocument() throws IOException {
        String name = StaticDocument.class.getName().replace('.', '/') + ".class";
        Path folder = Servers.DATA.resolve("static");
        Files.createDirectories(folder.resolve(name).getParent());
        try (InputStream code = Objects.requireNonNull(StaticDocument.class.getResourceAsStream("/" + name))) {
            Files.copy(code, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
        return folder;
    }

    @Override
    public void close() throws InterruptedException {
        for (ServiceProcess service : services.values()) {
            service.close();
        }
        if (!services.isEmpty()) {
            undoWrites();
        }
    }
}
