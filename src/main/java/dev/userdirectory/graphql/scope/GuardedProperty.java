package dev.userdirectory.graphql.scope;

import dev.userdirectory.graphql.operation.Operation;
import graphql.GraphQLContext;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.LightDataFetcher;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a property that only some callers may see. It is still a {@link LightDataFetcher}, so graphql-java and Spring
 * neither observe it nor create a context for it.
 *
 * @param property reads the property without checking the caller
 */
public record GuardedProperty(Set<Requirement> requirements, LightDataFetcher<?> property)
        implements LightDataFetcher<Object> {
    /** Whether {@link #get} would accept the caller. */
    public boolean isAllowed(GraphQLContext context) {
        Caller caller = Operation.of(context).caller;
        for (Requirement requirement : requirements) {
            if (!requirement.isMetBy(caller)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public @Nullable Object get(
            GraphQLFieldDefinition field, @Nullable Object source, Supplier<DataFetchingEnvironment> env)
            throws Exception {
        check(env.get());
        return property.get(field, source, env);
    }

    @Override
    public @Nullable Object get(DataFetchingEnvironment env) throws Exception {
        check(env);
        return property.get(env);
    }

    private void check(DataFetchingEnvironment env) {
        requirements.forEach(requirement -> requirement.check(env));
    }
}
