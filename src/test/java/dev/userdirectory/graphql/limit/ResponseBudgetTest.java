package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ResponseBudgetTest {
    /** The request is over, so completing more fields would be wasted work. */
    @Test
    void budgetIsExceededOnceTheThreadIsInterrupted() {
        ResponseBudget budget = new ResponseBudget(1_000, null, false);
        assertThat(budget.isExceeded()).isFalse();

        Thread.currentThread().interrupt();
        try {
            assertThat(budget.isExceeded()).isTrue();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
