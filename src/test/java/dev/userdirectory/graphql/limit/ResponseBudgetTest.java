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

    /** A value takes several times the memory of its JSON. */
    @Test
    void manySmallValuesReserveMemory() {
        RequestMemory memory = new RequestMemory(1_000_000);
        ResponseBudget budget = new ResponseBudget(1_000_000, memory.open(null), false);
        for (int i = 0; i < 10_000; i++) {
            budget.addValue(1);
        }

        assertThat(budget.isExceeded()).isTrue();
        assertThat(budget.isRefused()).isTrue();
    }

    /** One event may be sent to thousands of subscribers at a time. */
    @Test
    void smallResponsesInMessagesReserveLittleMemory() {
        RequestMemory memory = new RequestMemory(1_000_000);
        for (int i = 0; i < 1_000; i++) {
            ResponseBudget budget = new ResponseBudget(1_000, memory.open(null), true);
            budget.addValue("CREATED");

            assertThat(budget.isExceeded()).isFalse();
        }
    }
}
