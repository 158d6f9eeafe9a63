package dev.userdirectory.graphql.document;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.cache.CachePolicy;
import dev.userdirectory.graphql.document.KnownOperation.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KnownOperationTest {
    private static final Shape SHAPE = new Shape(7, CachePolicy.NONE);

    private final KnownOperation operation = new KnownOperation("Name", "query", "hash");

    @Test
    void formsDifferInNumbersConditionsNamesAndLengths() {
        List<Map<String, Object>> variables = List.of(
                Map.of(),
                Map.of("a", 1),
                Map.of("a", 2),
                Map.of("b", 1),
                Map.of("a", true),
                Map.of("a", "text"),
                Map.of("a", List.of()),
                Map.of("a", List.of("x")),
                Map.of("a", List.of("x", "y")),
                Map.of("a", List.of("x", 1)),
                Map.of("a", List.of(1, "x")),
                Map.of("a", Arrays.asList((Object) null)),
                Map.of("a", List.of(List.of("x"), List.of("y"))),
                Map.of("a", List.of(List.of("x", "y"))),
                Map.of("a", Map.of("b", "x")),
                Map.of("a", List.of(Map.of("b", "x"), Map.of("b", "x", "c", "y"))));

        assertThat(variables.stream().map(KnownOperation::form)).doesNotHaveDuplicates();
    }

    @Test
    void formsIgnoreText() {
        assertThat(KnownOperation.form(Map.of("a", List.of("x", "y"), "b", Map.of("c", "x"))))
                .isEqualTo(KnownOperation.form(Map.of("a", List.of("1", "2"), "b", Map.of("c", ""))));
    }

    @Test
    void shapesTakeNoMoreThanTheirShare() {
        int max = 10_000;
        for (int i = 0; i < 1000; i++) {
            Object form = KnownOperation.form(Map.of("first", i));
            operation.add(form, SHAPE, max);
            operation.add(form, SHAPE, max);

            assertThat(operation.shape(form)).isEqualTo(SHAPE);
            assertThat(operation.bytes()).isLessThan(max + 500);
        }
        assertThat(operation.shape(KnownOperation.form(Map.of("first", 0)))).isNull();
    }

    @Test
    void keepsNoShapeOverItsShare() {
        Object large = KnownOperation.form(Map.of("a".repeat(20_000), 1));

        operation.add(large, SHAPE, 10_000);

        assertThat(operation.shape(large)).isNull();
        assertThat(operation.bytes()).isLessThan(1000);
    }
}
