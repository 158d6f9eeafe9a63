package dev.userdirectory.contract;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
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
import tools.jackson.databind.json.JsonMapper;

/** Suites and clients that others have written, over the running service. */
@DirectoryTest
@EnabledIf(value = "dev.userdirectory.contract.NodeSuite#canRun", disabledReason = "There is no Node. The log says so.")
class NodeSuitesTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

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
    void passesInFull(String suite) throws IOException, InterruptedException {
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
                        "DIRECTORY_URL", client.uri("/graphql").toString(),
                        "TOKEN", Tokens.withScopes("users:read users:write"),
                        "TOKEN_THAT_WRITES", Tokens.withScopes("users:write"),
                        "USERS", users));
    }
}
