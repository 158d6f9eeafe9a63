package dev.userdirectory.platform;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.StringJoiner;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.io.Resource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The schema to read, in the words and the order in which it is written; {@code _service} has the same in a router's. */
@RestController
class SchemaText {
    private final String text;

    SchemaText(@Value("${dgs.graphql.schema-locations}") Resource[] files) throws IOException {
        // What the others extend comes first.
        Arrays.sort(
                files,
                Comparator.comparing((Resource file) -> !"schema.graphqls".equals(file.getFilename()))
                        .thenComparing(Resource::getFilename));
        StringJoiner joined = new StringJoiner("\n");
        for (Resource file : files) {
            joined.add(file.getContentAsString(StandardCharsets.UTF_8));
        }
        text = joined.toString();
    }

    @GetMapping(path = "/schema.graphqls", produces = "text/plain;charset=UTF-8")
    String schema() {
        return text;
    }
}
