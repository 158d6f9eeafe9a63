package dev.userdirectory;

import java.util.stream.Stream;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.ConfigurableApplicationContext;

/** Instances of the service in this JVM, apart from the contexts that Spring's test framework starts. */
public final class Instance {
    private Instance() {}

    /** @param more further properties, as in {@code --name=value} */
    public static ConfigurableApplicationContext start(JdbcConnectionDetails postgres, String... more) {
        return new SpringApplicationBuilder(UserDirectoryApplication.class, Client.class)
                .properties("logging.level.root=warn")
                .run(Stream.concat(
                                Stream.of(
                                        "--server.port=0",
                                        "--server.shutdown=immediate",
                                        "--spring.main.banner-mode=off",
                                        "--spring.datasource.url=" + postgres.getJdbcUrl(),
                                        "--spring.datasource.username=" + postgres.getUsername(),
                                        "--spring.datasource.password=" + postgres.getPassword(),
                                        "--spring.security.oauth2.resourceserver.jwt.public-key-location="
                                                + Tokens.publicKey(),
                                        // Spring's decoder for WebFlux, which is only on the test class path, accepts
                                        // a single algorithm.
                                        "--spring.security.oauth2.resourceserver.jwt.jws-algorithms=RS256"),
                                Stream.of(more))
                        .toArray(String[]::new));
    }
}
