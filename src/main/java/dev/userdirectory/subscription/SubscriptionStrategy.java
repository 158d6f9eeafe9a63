package dev.userdirectory.subscription;

import dev.userdirectory.graphql.operation.BoundedExecutionStrategy;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.operation.SourceEvent;
import graphql.ExecutionResult;
import graphql.execution.Async;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.ExecutionContext;
import graphql.execution.ExecutionStrategyParameters;
import graphql.execution.FetchedValue;
import graphql.execution.MergedField;
import java.util.concurrent.CompletableFuture;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.graphql.execution.GraphQlSource;
import org.springframework.stereotype.Component;

/**
 * Executes a subscription as several operations: the first resolves the source stream, and {@link EventExecution} then
 * starts another one for each {@link SourceEvent}. graphql-java's own strategy would complete every event within the
 * first operation. All events would then share the data loaders, limits and deadline of that operation. Before version
 * 26.1, that strategy also keeps a record of each event (graphql-java#4314).
 */
@Component
class SubscriptionStrategy extends BoundedExecutionStrategy implements GraphQlSourceBuilderCustomizer {
    SubscriptionStrategy(DataFetcherExceptionHandler exceptionHandler) {
        super(exceptionHandler);
    }

    @Override
    public void customize(GraphQlSource.SchemaResourceBuilder source) {
        source.configureGraphQl(graphQl -> graphQl.subscriptionExecutionStrategy(this));
    }

    @Override
    public CompletableFuture<ExecutionResult> execute(
            ExecutionContext context, ExecutionStrategyParameters parameters) {
        if (Operation.of(context.getGraphQLContext()).event != null) {
            return super.execute(context, parameters);
        }
        MergedField root = parameters.getFields().getSubFieldsList().getFirst();
        ExecutionStrategyParameters ofRoot = parameters.transform(
                builder -> builder.field(root).path(parameters.getPath().segment(root.getResultKey())));
        return Async.toCompletableFuture(fetchField(context, ofRoot)).thenApply(fetched -> {
            Object source = FetchedValue.getFetchedValue(fetched);
            ExecutionResult.Builder<?> result =
                    ExecutionResult.newExecutionResult().errors(context.getErrors());
            // Without a source stream, the response is a request error without data (GraphQL 6.2.3).
            return (source == null ? result : result.data(source)).build();
        });
    }

    /** In the operation of an event, the event is the value of the root field. */
    @Override
    protected Object fetchField(ExecutionContext context, ExecutionStrategyParameters parameters) {
        if (parameters.getPath().getLevel() == 1) {
            SourceEvent event = Operation.of(context.getGraphQLContext()).event;
            if (event != null) {
                // Data loaders are dispatched once all root fields have been fetched.
                context.getDataLoaderDispatcherStrategy()
                        .fieldFetched(context, parameters, env -> event.value(), event.value(), () -> {
                            throw new IllegalStateException("Nothing was fetched");
                        });
                return event.value();
            }
        }
        return super.fetchField(context, parameters);
    }
}
