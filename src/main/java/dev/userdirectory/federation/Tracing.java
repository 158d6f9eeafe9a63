package dev.userdirectory.federation;

import com.apollographql.federation.graphqljava.tracing.FederatedTracingInstrumentation;
import dev.userdirectory.observability.TracedFields;
import dev.userdirectory.policy.Caller;
import dev.userdirectory.policy.SecurityProperties;
import graphql.execution.instrumentation.InstrumentationContext;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.parameters.InstrumentationFieldFetchParameters;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.graphql.server.WebGraphQlInterceptor;

/** How long each field took, in {@code extensions.ftv1}, for a router that asks for it by header and may introspect: it names types. */
@Configuration(proxyBeanMethods = false)
class Tracing {
    private static final String HEADER = FederatedTracingInstrumentation.FEDERATED_TRACING_HEADER_NAME;

    @Bean
    WebGraphQlInterceptor readTracingHeader(SecurityProperties security) {
        return (request, chain) -> {
            String value = request.getHeaders().getFirst(HEADER);
            if (value != null) {
                request.configureExecutionInput(
                        (input, builder) -> security.mayIntrospect(Caller.of(input.getGraphQLContext()))
                                ? builder.graphQLContext(Map.of(HEADER, value, TracedFields.class, true))
                                        .build()
                                : input);
            }
            return chain.next(request);
        };
    }

    @Bean
    FederatedTracingInstrumentation federatedTracing() {
        return new FederatedTracingInstrumentation() {
            @Override
            public InstrumentationContext<Object> beginFieldFetch(
                    InstrumentationFieldFetchParameters parameters, @Nullable InstrumentationState state) {
                InstrumentationContext<Object> context = super.beginFieldFetch(parameters, state);
                return state == null ? context : withoutMessages(context);
            }
        };
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
