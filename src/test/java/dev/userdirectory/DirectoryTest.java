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
            // Keeps the output of a build to the failures and the PostgreSQL that is used.
            "spring.main.banner-mode=off",
            "spring.main.log-startup-info=false",
            "spring.test.print-condition-evaluation-report=false",
            "logging.exception-conversion-word=%wEx{short}",
            "logging.level.root=warn",
            // A missing Docker engine is not an error; if one is required, a single line reports its absence.
            "logging.level.org.testcontainers.dockerclient=off",
            "logging.level.dev.userdirectory=info",
            // No client is connected at the end, so there is nothing to drain.
            "server.shutdown=immediate",
            // Tests trim events themselves.
            "directory.events.trim-interval=1d"
        })
@Import({TestPostgres.class, Tokens.class, Client.class, Directory.class})
public @interface DirectoryTest {}
