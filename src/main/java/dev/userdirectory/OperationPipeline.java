package dev.userdirectory;

import com.netflix.graphql.dgs.springgraphql.webmvc.DgsWebMvcGraphQLInterceptor;
import dev.userdirectory.graphql.cache.ResponseCache;
import dev.userdirectory.graphql.federation.Tracing;
import dev.userdirectory.graphql.limit.LimitsInstrumentation;
import dev.userdirectory.graphql.limit.LimitsInterceptor;
import dev.userdirectory.graphql.operation.DeadlineInterceptor;
import dev.userdirectory.graphql.operation.ErrorCodes;
import dev.userdirectory.graphql.operation.NullVariables;
import dev.userdirectory.graphql.operation.TransportRules;
import dev.userdirectory.graphql.scope.CallerInterceptor;
import dev.userdirectory.mutation.IdempotencyHeader;
import dev.userdirectory.observability.OperationInstrumentation;
import dev.userdirectory.observability.OperationObserver;
import dev.userdirectory.shortcut.InstrumentationShortcut;
import dev.userdirectory.shortcut.ShortcutProperties;
import dev.userdirectory.subscription.EventExecution;
import graphql.execution.instrumentation.ChainedInstrumentation;
import graphql.execution.instrumentation.Instrumentation;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.graphql.ExecutionGraphQlService;
import org.springframework.graphql.server.WebGraphQlHandler;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlInterceptor.Chain;
import org.springframework.graphql.server.WebGraphQlResponse;

/**
 * Everything that happens to an operation, in order, whether it arrives by HTTP, on a socket, or as an event of a
 * subscription. Other interceptors are not picked up: list them here.
 */
@Configuration(proxyBeanMethods = false)
class OperationPipeline {
    /** Executes an operation on the calling thread. */
    @Bean
    Chain operations(
            OperationObserver observer,
            EventExecution events,
            CallerInterceptor caller,
            IdempotencyHeader idempotency,
            DeadlineInterceptor deadline,
            LimitsInterceptor limits,
            ResponseCache cache,
            Tracing tracing,
            DgsWebMvcGraphQLInterceptor dgs,
            ExecutionGraphQlService service) {
        return Stream.<WebGraphQlInterceptor>of(
                        observer, // sees every outcome
                        events, // passes each event of a subscription to the steps below
                        caller, // before the deadline, which queues for connections under the caller's account
                        idempotency,
                        deadline,
                        limits, // finds the document
                        cache, // may answer without executing anything
                        tracing,
                        dgs)
                .reduce(WebGraphQlInterceptor::andThen)
                .orElseThrow()
                .apply(request -> service.execute(request).map(WebGraphQlResponse::new));
    }

    /** The same pipeline for sockets and for Spring's endpoint, which may change threads. */
    @Bean
    WebGraphQlHandler operationHandler(ExecutionGraphQlService service, Chain operations) {
        return WebGraphQlHandler.builder(service)
                .interceptor((request, end) -> operations.next(request))
                .build();
    }

    /** The instrumentations that graphql-java calls while it executes an operation. */
    @Bean
    GraphQlSourceBuilderCustomizer instrumentations(
            ErrorCodes errorCodes,
            OperationInstrumentation observer,
            NullVariables nullVariables,
            LimitsInstrumentation limits,
            Tracing tracing,
            TransportRules transport,
            ObjectProvider<Instrumentation> all,
            ShortcutProperties shortcuts) {
        Set<Instrumentation> ordered = new LinkedHashSet<>(List.of(
                errorCodes, // before DGS classifies errors and their original types are lost
                observer,
                nullVariables,
                limits,
                tracing,
                transport));
        all.orderedStream().forEach(ordered::add);
        List<Instrumentation> list = List.copyOf(ordered);
        return source -> source.configureGraphQl(graphQl -> graphQl.instrumentation(
                shortcuts.instrumentation() ? new InstrumentationShortcut(list) : new ChainedInstrumentation(list)));
    }
}
