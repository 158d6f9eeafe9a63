package dev.userdirectory;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;

/** The service with its own PostgreSQL and issuer, for {@code ./mvnw spring-boot:test-run}. */
public class TestUserDirectoryApplication {
    private static final Logger log = LoggerFactory.getLogger(TestUserDirectoryApplication.class);

    public static void main(String[] args) {
        SpringApplication.from(UserDirectoryApplication::main)
                .with(LocalPostgres.class, LocalIssuer.class, SampleDirectory.class, Addresses.class)
                .withAdditionalProfiles("local")
                .run(args);
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class Addresses {
        @Bean
        ApplicationListener<ApplicationReadyEvent> showAddresses(WebServerApplicationContext server) {
            return ready -> {
                String address = "http://localhost:" + server.getWebServer().getPort();
                log.info(
                        "Ready. GraphiQL: {}/graphiql  API: {}/graphql  Schema: {}/schema.graphqls",
                        address,
                        address,
                        address);
            };
        }
    }
}
