package dev.userdirectory.observability;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.ClassPathResource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The table of properties in docs/configuration.md matches the metadata that is generated from the code. */
class ConfigurationTableTest {
    private static final String BEGIN = "<!-- configuration -->\n";
    private static final String END = "<!-- /configuration -->";

    @Test
    void documentsEveryProperty() throws IOException {
        JsonNode metadata = JsonMapper.shared()
                .readTree(new ClassPathResource("META-INF/spring-configuration-metadata.json").getContentAsByteArray());
        String table = metadata.get("properties").values().stream()
                .map(ConfigurationTableTest::row)
                .sorted()
                .collect(Collectors.joining("", "| property | default | |\n|---|---|---|\n", ""));

        String page = Files.readString(Path.of("docs", "configuration.md"));

        assertThat(page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END)))
                .isEqualTo(table);
    }

    private static String row(JsonNode property) {
        String description = property.path("description").asString("");
        assertThat(description).as(property.get("name").asString()).isNotEmpty();
        return "| `%s` | %s | %s |\n"
                .formatted(
                        property.get("name").asString(),
                        property.has("defaultValue")
                                ? "`" + property.get("defaultValue").asString() + "`"
                                : "",
                        description.replaceAll("\\{@code ([^}]*)}", "`$1`"));
    }
}
