package dev.userdirectory;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
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
                .with(LocalPostgres.class, LocalIssuer.class, SampleDirectory.class, ReadyLine.class)
                .withAdditionalProfiles("local")
                .run(args);
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class ReadyLine {
        @Bean
        ApplicationListener<ApplicationReadyEvent> showHowToGoOn(
                WebServerApplicationContext server,
                @Value("${spring.security.oauth2.resourceserver.jwt.issuer-uri}") String issuer) {
            return ready -> {
                String address = "http://localhost:" + server.getWebServer().getPort();
                log.info(
                        "Ready: {}  GraphiQL: {}/graphiql  Token: curl -s {}/token -d grant_type=client_credentials"
                                + " -d client_id=alice -d client_secret=secret  Stop: Ctrl-C"
                                + "  Start over: delete the folder .data",
                        address,
                        address,
                        issuer);
            };
        }
    }
}
