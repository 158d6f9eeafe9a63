package dev.userdirectory;

import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.util.Assert;

/** Fills an empty directory from {@code db/sample}, with the file that the argument {@code --sample} names. */
@TestConfiguration(proxyBeanMethods = false)
class SampleDirectory {
    @Bean
    ApplicationRunner fillEmptyDirectory(JdbcTemplate jdbc) {
        return args -> {
            if (Boolean.TRUE.equals(jdbc.queryForObject("select not exists (select from users)", Boolean.class))) {
                String sample = args.containsOption("sample")
                        ? args.getOptionValues("sample").getFirst()
                        : "people";
                ClassPathResource script = new ClassPathResource("db/sample/" + sample + ".sql");
                Assert.isTrue(script.exists(), "There is no " + script.getPath());
                new ResourceDatabasePopulator(script).execute(jdbc.getDataSource());
            }
        };
    }
}
