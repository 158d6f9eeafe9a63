package dev.userdirectory.graphql.document;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graphql.execution.AbortExecutionException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentTextTest {
    private static final int DIGITS = 100;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "extend type A @d(a: [{a:",
                "# comment\n extend schema @d",
                "{ a } extend enum A @d",
                "query ($a: A = {a: [1]}) { a(b: {c: \"}\"}) { d } } input A { a: A @d(a:",
                "fragment F on A { a } \"\"\"d\"\"\" type A { a: B }",
                "\uFEFF, schema @d"
            })
    void rejectsTypeDefinitions(String document) {
        assertThatThrownBy(() -> DocumentText.check(document, DIGITS)).isInstanceOf(AbortExecutionException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{ extend type schema input(enum: scalar) }",
                "query extend { a } fragment type on interface { union }",
                "query ($type: Input = {type: \"extend\"}) @directive(type: {input: 1}) { a } subscription S { a }",
                "{ a(b: \"\"\"} extend type A\"\"\", c: \"} extend\") } # } extend",
                "{"
            })
    void acceptsKeywordsOfTypeDefinitionsElsewhere(String document) {
        assertThatCode(() -> DocumentText.check(document, DIGITS)).doesNotThrowAnyException();
    }
}
