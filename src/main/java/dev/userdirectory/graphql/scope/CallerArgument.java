package dev.userdirectory.graphql.scope;

import com.netflix.graphql.dgs.internal.method.ArgumentResolver;
import dev.userdirectory.graphql.operation.Operation;
import graphql.schema.DataFetchingEnvironment;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

/** Passes the {@link Caller} of the operation to data fetchers that have a parameter of this type. */
@Component
@Order(0) // before the resolver that accepts every parameter
class CallerArgument implements ArgumentResolver {
    @Override
    public boolean supportsParameter(MethodParameter parameter) {
        return parameter.getParameterType() == Caller.class;
    }

    @Override
    public Object resolveArgument(MethodParameter parameter, DataFetchingEnvironment env) {
        return Operation.of(env.getGraphQlContext()).caller;
    }
}
