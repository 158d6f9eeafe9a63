package dev.userdirectory.graphql.operation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoggedErrorsTest {
    private final LoggedErrors logged = new LoggedErrors();

    @Test
    void oneStackTraceStandsForErrorsOfTheSamePlace() {
        for (String id : new String[] {"1", "2", "3"}) {
            assertThat(logged.put(new IllegalStateException("Attempt " + id), id))
                    .isEqualTo("1");
        }
    }

    @Test
    void errorsOfOtherPlacesAndTypesHaveTheirOwn() {
        assertThat(logged.put(new IllegalStateException(), "1")).isEqualTo("1");
        assertThat(logged.put(new IllegalStateException(), "2")).isEqualTo("2");
        assertThat(logged.put(new IllegalArgumentException(), "3")).isEqualTo("3");
    }
}
