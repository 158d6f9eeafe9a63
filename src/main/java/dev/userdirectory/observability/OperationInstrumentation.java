package dev.userdirectory.observability;

import graphql.ExecutionResult;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldFetchParameters;
import graphql.language.OperationDefinition;
import graphql.schema.DataFetcher;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Tells the {@link OperationObserver} what is executed, and has a span for each field that is more than a property. */
@Component
class OperationInstrumentation extends SimplePerformantInstrumentation {
    private final Tracer tracer;

    OperationInstrumentation(Tracer tracer) {
        this.tracer = tracer;
    }

    /** @param name null if it has none */
    record Operation(@Nullable String name, String type) {
        /** Where the observer looks for it in the GraphQL context: a holder, since it is executed later. */
        static final class Holder extends AtomicReference<@Nullable Operation> {}
    }

    @Override
    public @Nullable InstrumentationContext<ExecutionResult> beginExecuteOperation(
            InstrumentationExecuteOperationParameters parameters, @Nullable InstrumentationState state) {
        Operation.Holder holder =
                parameters.getExecutionContext().getGraphQLContext().get(Operation.Holder.class);
        if (holder != null) {
            OperationDefinition definition = parameters.getExecutionContext().getOperationDefinition();
            holder.set(new Operation(
                    definition.getName(), definition.getOperation().name().toLowerCase(Locale.ROOT)));
        }
        if (Spans.wanted(tracer)) {
            parameters.getExecutionContext().getGraphQLContext().put(TracedFields.class, true);
        }
        return null;
    }

    @Override
    public DataFetcher<?> instrumentDataFetcher(
            DataFetcher<?> fetcher,
            InstrumentationFieldFetchParameters parameters,
            @Nullable InstrumentationState state) {
        if (parameters.isTrivialDataFetcher() || !Spans.wanted(tracer)) {
            return fetcher;
        }
        return env -> {
            Span span = tracer.nextSpan()
                    .name(parameters.getExecutionStepInfo().getObjectType().getName() + "."
                            + env.getField().getName())
                    .start();
            try (Tracer.SpanInScope scope = tracer.withSpan(span)) {
                Object result = fetcher.get(env);
                if (result instanceof CompletionStage<?> future) {
                    return future.whenComplete((value, exception) -> Spans.end(span, exception));
                }
                Spans.end(span, null);
                return result;
            } catch (Exception | Error e) {
                Spans.end(span, e);
                throw e;
            }
        };
    }
}
