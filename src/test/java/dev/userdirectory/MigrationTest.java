package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

/** The process that runs before a new version of the service does, on a database of its own. */
@DirectoryTest
class MigrationTest {
    private final JdbcConnectionDetails server;
    private final String database = "migration_" + UUID.randomUUID().toString().replace('-', '_');
    private final String url;
    private final JdbcTemplate jdbc;

    MigrationTest(@Autowired JdbcConnectionDetails server) {
        this.server = server;
        url = server.getJdbcUrl().replaceFirst("(jdbc:postgresql://[^/]+/)[^?]+", "$1" + database);
        jdbc = connect(url);
    }

    @BeforeEach
    void createDatabase() {
        connect(server.getJdbcUrl()).execute("create database " + database);
    }

    @AfterEach
    void dropDatabase() {
        connect(server.getJdbcUrl()).execute("drop database " + database + " with (force)");
    }

    @Test
    void bringsEmptyDatabaseUpToDateAndEnds() throws Exception {
        assertThat(migrate(1)).containsExactly(0);
        assertThat(versions()).isEqualTo(migrations());
        assertThat(jdbc.queryForList("select name from users")).isEmpty();

        assertThat(migrate(1)).as("again").containsExactly(0);
        assertThat(versions()).isEqualTo(migrations());
    }

    @Test
    void letsSeveralRunAtOnce() throws Exception {
        assertThat(migrate(2)).containsExactly(0, 0);
        assertThat(versions()).isEqualTo(migrations());
    }

    @Test
    void failsOnDatabaseThatIsNotOurs() throws Exception {
        jdbc.execute("create table users (name text)");
        assertThat(migrate(1)).containsExactly(1);
        assertThat(jdbc.queryForList("select * from users")).isEmpty();
    }

    /** The exit codes of so many at once. They are given the data source and nothing else. */
    private List<Integer> migrate(int count) throws IOException, InterruptedException {
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "dev.userdirectory.UserDirectoryApplication",
                    "migrate",
                    "--spring.main.banner-mode=off",
                    "--logging.level.root=warn");
            builder.environment().put("SPRING_DATASOURCE_URL", url);
            builder.environment().put("SPRING_DATASOURCE_USERNAME", server.getUsername());
            builder.environment().put("SPRING_DATASOURCE_PASSWORD", server.getPassword());
            processes.add(builder.redirectErrorStream(true).start());
        }
        List<Integer> codes = new ArrayList<>();
        for (Process process : processes) {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            codes.add(process.waitFor());
            if (codes.getLast() != 0) {
                assertThat(output).contains("non-empty schema");
            }
        }
        return codes;
    }

    private List<String> versions() {
        return jdbc.queryForList(
                "select version from flyway_schema_history where success order by installed_rank", String.class);
    }

    private static List<String> migrations() {
        String[] files = Path.of("db", "migration").toFile().list();
        assertThat(files).isNotEmpty();
        return List.of(files).stream()
                .map(file -> file.substring(1, file.indexOf("__")))
                .sorted((a, b) -> Integer.compare(Integer.parseInt(a), Integer.parseInt(b)))
                .toList();
    }

    private JdbcTemplate connect(String url) {
        return new JdbcTemplate(new DriverManagerDataSource(url, server.getUsername(), server.getPassword()));
    }
}
