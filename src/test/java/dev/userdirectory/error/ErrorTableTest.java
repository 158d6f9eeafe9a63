package dev.userdirectory.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The documentation lists exactly the error codes that exist in the code. */
class ErrorTableTest {
    @Test
    void tableHasEveryCode() throws IOException {
        String table = Arrays.stream(ErrorCode.values())
                .map(ErrorTableTest::row)
                .collect(Collectors.joining("", "| code | meaning | HTTP status |\n|---|---|--:|\n", ""));

        String document = Files.readString(Path.of("docs", "errors.md"));

        assertThat(document.substring(document.indexOf("| code |"))).isEqualTo(table);
    }

    private static String row(ErrorCode code) {
        return "| `%s` | %s | %s |\n"
                .formatted(
                        code.name(),
                        code.meaning(),
                        code.status() == null ? "" : code.status().value());
    }

    @Test
    void sourcesNameCodesByTheirConstants() throws IOException {
        List<String> literals = Arrays.stream(ErrorCode.values())
                .map(code -> '"' + code.name() + '"')
                .toList();
        for (Path root : List.of(Path.of("src", "main", "java"), Path.of("src", "lambda", "java"))) {
            try (Stream<Path> files = Files.walk(root)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    assertThat(Files.readString(file)).as(file.toString()).doesNotContain(literals);
                }
            }
        }
    }
}
