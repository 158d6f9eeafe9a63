package dev.userdirectory;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Import;

/** A test of the whole service on a real port and a real PostgreSQL, seen through a {@link Client}. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(TestPostgres.Available.class)
@SpringBootTest(
        classes = UserDirectoryApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            // A build prints only problems, and which PostgreSQL it uses.
            "spring.main.banner-mode=off",
            "spring.main.log-startup-info=false",
            "spring.test.print-condition-evaluation-report=false",
            "logging.exception-conversion-word=%wEx{short}",
            "logging.level.root=warn",
            // A missing Docker engine is no error. If one is required, TestPostgres reports that it is missing.
            "logging.level.org.testcontainers.dockerclient=off",
            "logging.level.dev.userdirectory=info",
            // There are no clients to drain.
            "server.shutdown=immediate",
            // When the JVM ends, closing one context after the other would take half a minute.
            "spring.main.register-shutdown-hook=false",
            // Tests trim events themselves.
            "directory.events.trim-interval=1d"
        })
@Import({TestPostgres.class, Tokens.class, Client.class, Directory.class})
public @interface DirectoryTest {}
