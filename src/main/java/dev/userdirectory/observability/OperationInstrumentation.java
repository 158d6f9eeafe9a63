package dev.userdirectory.observability;

import dev.userdirectory.graphql.operation.Operation;
import graphql.ExecutionResult;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecuteOperationParameters;
import graphql.execution.instrumentation.parameters.InstrumentationFieldFetchParameters;
import graphql.schema.DataFetcher;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** If the request is traced, creates a span for each field whose data fetcher does more than read a property. */
@Component
public class OperationInstrumentation extends SimplePerformantInstrumentation {
    private final Tracer tracer;

    OperationInstrumentation(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    public @Nullable InstrumentationContext<ExecutionResult> beginExecuteOperation(
            InstrumentationExecuteOperationParameters parameters, @Nullable InstrumentationState state) {
        if (Spans.wanted(tracer)) {
            Operation.of(parameters.getExecutionContext().getGraphQLContext()).tracesFields = true;
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
