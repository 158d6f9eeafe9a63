package dev.userdirectory.contract;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Ports;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.json.JsonMapper;

/** Third-party test suites and clients, run against the service. */
@Soak("runs the suites of other projects")
@DirectoryTest
@EnabledIf(value = "dev.userdirectory.Npm#canRun", disabledReason = "There is no Node. The log says so.")
class NodeSuitesTest {
    private static final String WEBHOOK_PORT = String.valueOf(Ports.freePort());
    private static final String WEBHOOK_SECRET = "whsec_c2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @DynamicPropertySource
    static void webhook(DynamicPropertyRegistry properties) {
        properties.add("directory.webhooks[0].name", () -> "node");
        properties.add("directory.webhooks[0].url", () -> "http://127.0.0.1:" + WEBHOOK_PORT);
        properties.add("directory.webhooks[0].secret", () -> WEBHOOK_SECRET);
        properties.add("directory.webhooks[0].max-delay", () -> "200ms");
    }

    static List<String> suites() throws IOException {
        try (Stream<Path> files = Files.list(NodeSuite.FOLDER)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".test.js"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("suites")
    void everyTestOfTheSuitePasses(String suite) throws IOException, InterruptedException {
        String users = directory.createUsers(2).stream()
                .map(directory::user)
                .map(user -> JsonMapper.shared()
                        .createObjectNode()
                        .put("id", user.get("id").asString())
                        .put("name", user.get("name").asString())
                        .put("email", user.get("email").asString())
                        .toString())
                .toList()
                .toString();

        NodeSuite.run(
                suite,
                Map.of(
                        "DIRECTORY_URL",
                        client.uri("/graphql").toString(),
                        "TOKEN",
                        Tokens.withScopes("users:read users:write"),
                        "TOKEN_THAT_WRITES",
                        Tokens.withScopes("users:write"),
                        "WEBHOOK_PORT",
                        WEBHOOK_PORT,
                        "WEBHOOK_SECRET",
                        WEBHOOK_SECRET,
                        "USERS",
                        users));
    }
}
