package dev.userdirectory.policy;

import static org.assertj.core.api.Assertions.assertThat;

import graphql.GraphQLContext;
import org.junit.jupiter.api.Test;

class ResponseBudgetTest {
    /** Whatever keeps the thread busy then, nobody waits for it any more. */
    @Test
    void isExceededOnceTheRequestIsOver() {
        GraphQLContext context = GraphQLContext.newContext().build();
        ResponseBudget.open(context, 1_000);
        ResponseBudget budget = ResponseBudget.of(context);
        assertThat(budget.isExceeded()).isFalse();

        Thread.currentThread().interrupt();
        try {
            assertThat(budget.isExceeded()).isTrue();
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
