package dev.userdirectory.contract;

import dev.products.ProductsApplication;
import dev.userdirectory.Soak;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

/** Apollo's subgraph compatibility tests on this stack. They have their own schema. */
@Soak("runs the suite of another project")
@SpringBootTest(
        classes = ProductsApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "dgs.graphql.schema-locations=classpath*:products/*.graphqls",
            // The suite requests traces without a token.
            "directory.security.introspection=open",
            // The application has no database.
            "management.endpoint.health.validate-group-membership=false",
            "spring.main.banner-mode=off",
            "logging.level.root=warn",
            "logging.level.dev.userdirectory=info"
        })
@EnabledIf(value = "dev.userdirectory.Npm#canRun", disabledReason = "There is no Node. The log says so.")
class FederationCompatibilityTest {
    @LocalServerPort
    int port;

    @Test
    void everyTestOfTheSuitePasses() throws IOException, InterruptedException {
        NodeSuite.run("compatibility.js", Map.of("PRODUCTS_URL", "http://localhost:" + port + "/graphql"));
    }
}
