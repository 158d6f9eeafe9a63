package dev.userdirectory.graphql.federation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RepresentationTest {
    @Test
    void equalRepresentationsShareAKey() {
        assertThat(Representation.key(Map.of("id", "1", "__typename", "User")))
                .isNotNull()
                .isEqualTo(Representation.key(Map.of("__typename", "User", "id", "1")));
    }

    @Test
    void differentRepresentationsHaveDifferentKeys() {
        List<Map<String, String>> different = List.of(
                Map.of("__typename", "User", "id", "1"),
                Map.of("__typename", "Group", "id", "1"),
                Map.of("__typename", "User", "email", "1"),
                Map.of("__typename", "User", "id", "1", "email", "1"),
                Map.of("__typename", "User", "id", "1 -"),
                Map.of("id", "1"));

        assertThat(different.stream().map(Representation::key))
                .doesNotContainNull()
                .doesNotHaveDuplicates();
    }

    /** Another service may have other keys. And no map is asked to compare what a client has made long, or alike. */
    @Test
    void representationsWithOtherFieldsOrValuesAreResolvedOnTheirOwn() {
        assertThat(List.of(
                        Map.of("__typename", "Product", "sku", "1"),
                        Map.of("__typename", "User", "id", "1", "extra", 1),
                        Map.of("__typename", "User", "id", 1),
                        Map.of("__typename", "User", "id", "x".repeat(1000)),
                        List.of(1),
                        "User"))
                .allSatisfy(representation ->
                        assertThat(Representation.key(representation)).isNull());
    }
}
