package dev.userdirectory;

import org.springframework.boot.SpringApplication;

/** The service on a PostgreSQL and with an issuer of its own, for {@code ./mvnw spring-boot:test-run}. */
public class TestUserDirectoryApplication {
    public static void main(String[] args) {
        SpringApplication.from(UserDirectoryApplication::main)
                .with(LocalPostgres.class, LocalIssuer.class, SampleDirectory.class)
                .withAdditionalProfiles("local")
                .run(args);
    }
}
