package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/**
 * The descriptions of the served schema are the API's documentation, so every element has one. The elements that
 * introspection, Federation and {@code @link} define are documented by their specifications.
 */
@DirectoryTest
class DescriptionsTest {
    private static final String INTROSPECTION = """
            {
              __schema {
                directives { name description args { name description } }
                types {
                  name
                  description
                  fields(includeDeprecated: true) { name description args { name description } }
                  inputFields { name description }
                  enumValues(includeDeprecated: true) { name description }
                }
              }
            }""";

    private static final Pattern SPECIFIED =
            Pattern.compile("(__|link__|federation__|@(?!cacheControl)).*|Boolean|ID|Int|String");

    @Autowired
    Client client;

    /** @param name a schema coordinate, as in {@code Query.users(first:)} */
    private record Element(String name, String description) {}

    private List<Element> elements() {
        JsonNode schema = client.data(INTROSPECTION, Map.of()).get("__schema");
        List<Element> elements = new ArrayList<>();
        for (JsonNode directive : schema.get("directives")) {
            add(elements, "@%s", directive);
            addArguments(elements, "@" + directive.get("name").asString(), directive);
        }
        for (JsonNode type : schema.get("types")) {
            String name = type.get("name").asString();
            add(elements, "%s", type);
            for (JsonNode field : type.get("fields")) {
                add(elements, name + ".%s", field);
                addArguments(elements, name + "." + field.get("name").asString(), field);
            }
            Stream.of("inputFields", "enumValues")
                    .flatMap(members -> type.get(members).valueStream())
                    .forEach(member -> add(elements, name + ".%s", member));
        }
        elements.removeIf(element -> SPECIFIED.matcher(element.name).matches());
        return elements;
    }

    private static void addArguments(List<Element> elements, String owner, JsonNode node) {
        node.get("args").forEach(argument -> add(elements, owner + "(%s:)", argument));
    }

    private static void add(List<Element> elements, String coordinate, JsonNode node) {
        elements.add(new Element(
                coordinate.formatted(node.get("name").asString()),
                node.get("description").asString("")));
    }

    @Test
    void everySchemaElementHasADescription() {
        List<Element> elements = elements();

        assertThat(elements.stream().map(Element::name))
                .contains(
                        "Query.users(filter:)",
                        "UserFilter.groupId",
                        "UserEventType.DELETED",
                        "@cacheControl(maxAge:)",
                        "Query._entities(representations:)");
        assertThat(elements.stream()
                        .filter(element -> element.description.isBlank())
                        .map(Element::name))
                .isEmpty();
    }

    @Test
    void descriptionsAreSentences() {
        assertThat(elements().stream().filter(element -> !element.description.matches("(?s)\\p{Lu}.*[^ ][.:`]")))
                .isEmpty();
    }
}
