package dev.userdirectory;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;

/**
 * Brings the database up to date and ends, before instances of a new version start with
 * {@code spring.flyway.enabled=false}. It needs the data source's properties and nothing else. Several at once are safe:
 * Flyway holds a lock in the database.
 */
@ImportAutoConfiguration({DataSourceAutoConfiguration.class, FlywayAutoConfiguration.class})
class Migration {
    /** @throws RuntimeException if the database is not up to date after it, so that the process fails */
    static void run(String... args) {
        new SpringApplicationBuilder(Migration.class)
                .web(WebApplicationType.NONE)
                .run(args)
                .close();
    }
}
