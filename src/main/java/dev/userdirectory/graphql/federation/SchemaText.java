package dev.userdirectory.graphql.federation;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Serves the schema as text, just as {@code _service} shows it to a gateway. */
@RestController
class SchemaText {
    private final String text = SubgraphSchema.sdl();

    @GetMapping(path = "/schema.graphqls", produces = "text/plain;charset=UTF-8")
    String schema() {
        return text;
    }
}
