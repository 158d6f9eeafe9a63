package dev.userdirectory.graphql.federation;

import com.apollographql.federation.graphqljava.tracing.FederatedTracingInstrumentation;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.SecurityProperties;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.parameters.InstrumentationFieldFetchParameters;
import org.jspecify.annotations.Nullable;
import org.springframework.graphql.server.WebGraphQlInterceptor;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** How long each field took, in {@code extensions.ftv1}, for a router that asks for it by header and may introspect: it names types. */
@Component
public class Tracing extends FederatedTracingInstrumentation implements WebGraphQlInterceptor {
    private final SecurityProperties security;

    Tracing(SecurityProperties security) {
        // Asked before anything else could have its fields traced.
        super(new Options(false, input -> Operation.of(input.getGraphQLContext()).tracesFields));
        this.security = security;
    }

    @Override
    public Mono<WebGraphQlResponse> intercept(WebGraphQlRequest request, Chain chain) {
        Operation operation = Operation.of(request);
        if (FEDERATED_TRACING_HEADER_VALUE.equals(request.getHeaders().getFirst(FEDERATED_TRACING_HEADER_NAME))
                && security.mayIntrospect(operation.caller)) {
            operation.tracesFields = true;
        }
        return chain.next(request);
    }

    @Override
    public InstrumentationContext<Object> beginFieldFetch(
            InstrumentationFieldFetchParameters parameters, @Nullable InstrumentationState state) {
        InstrumentationContext<Object> context = super.beginFieldFetch(parameters, state);
        return state == null ? context : withoutMessages(context);
    }

    /** What an exception says, SQL for instance, is for the log; the trace only has that there was one. */
    private static InstrumentationContext<Object> withoutMessages(InstrumentationContext<Object> context) {
        return new InstrumentationContext<>() {
            @Override
            public void onDispatched() {
                context.onDispatched();
            }

            @Override
            public void onCompleted(@Nullable Object result, @Nullable Throwable exception) {
                context.onCompleted(
                        result, exception == null ? null : new IllegalStateException("See the response's errors"));
            }
        };
    }
}
