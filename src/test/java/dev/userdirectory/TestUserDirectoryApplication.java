package dev.userdirectory;

import org.springframework.boot.SpringApplication;

/** The service on a PostgreSQL of its own, for {@code ./mvnw spring-boot:test-run}. */
public class TestUserDirectoryApplication {
    public static void main(String[] args) {
        SpringApplication.from(UserDirectoryApplication::main)
                .with(LocalPostgres.class, SampleDirectory.class)
                .run(args);
    }
}
