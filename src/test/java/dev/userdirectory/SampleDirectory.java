package dev.userdirectory;

import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.util.Assert;

/** Fills an empty directory from {@code db/sample}, with the file named by the argument {@code --sample}. */
@TestConfiguration(proxyBeanMethods = false)
class SampleDirectory {
    private static final Logger log = LoggerFactory.getLogger(SampleDirectory.class);

    @Bean
    ApplicationRunner fillEmptyDirectory(JdbcTemplate jdbc) {
        return args -> {
            boolean asked = args.containsOption("sample");
            if (Boolean.TRUE.equals(jdbc.queryForObject("select exists (select from users)", Boolean.class))) {
                if (asked) {
                    log.warn("No sample was loaded: there are users already. To start anew, delete the folder .data");
                }
                return;
            }
            String sample = asked ? args.getOptionValues("sample").getFirst() : "people";
            ClassPathResource script = new ClassPathResource("db/sample/" + sample + ".sql");
            Assert.isTrue(script.exists(), "There is no " + script.getPath());
            log.info("Loading {}", script.getPath());
            jdbc.execute(script.getContentAsString(StandardCharsets.UTF_8));
        };
    }
}
