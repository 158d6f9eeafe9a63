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

/**
 * Adds the time that each field took to {@code extensions.ftv1}, if a router requests it by header. The caller must be
 * allowed to introspect, because the trace contains type names.
 */
@Component
public class Tracing extends FederatedTracingInstrumentation implements WebGraphQlInterceptor {
    private final SecurityProperties security;

    Tracing(SecurityProperties security) {
        // Evaluated before any instrumentation can switch on the tracing of fields, so only the header counts.
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

    /** Keeps exception messages, such as SQL, out of the trace, which only shows that a field failed. */
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
