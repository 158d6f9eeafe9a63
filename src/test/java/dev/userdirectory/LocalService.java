package dev.userdirectory;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts a service as {@code spring-boot:test-run} does, with the sample directory in a separate database. */
public final class LocalService {
    private LocalService() {}

    public static ConfigurableApplicationContext start(String database, int issuerPort) throws SQLException {
        JdbcConnectionDetails postgres = new TestPostgres().jdbcConnectionDetails();
        try (Connection connection = TestPostgres.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("create database " + database);
        }
        return SpringApplication.from(UserDirectoryApplication::main)
                .with(LocalIssuer.class, SampleDirectory.class)
                .withAdditionalProfiles("local")
                .run(
                        "--server.port=0",
                        "--server.shutdown=immediate",
                        "--directory.local-issuer.port=" + issuerPort,
                        "--spring.datasource.url="
                                + postgres.getJdbcUrl().replaceFirst("(//[^/]+/)[^?]+", "$1" + database),
                        "--spring.datasource.username=" + postgres.getUsername(),
                        "--spring.datasource.password=" + postgres.getPassword(),
                        "--spring.main.banner-mode=off",
                        "--spring.main.log-startup-info=false",
                        "--logging.level.root=warn",
                        "--logging.level.dev.userdirectory=info")
                .getApplicationContext();
    }

    /** A token of the service's own issuer, with every scope. */
    static String token(ConfigurableApplicationContext service, String subject) {
        return service.getBean(MockOAuth2Server.class)
                .issueToken("default", subject, "user-directory", Map.of("scope", "users:read users:write"))
                .serialize();
    }
}
