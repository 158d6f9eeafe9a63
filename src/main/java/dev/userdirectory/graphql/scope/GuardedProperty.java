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
 * Reads a property that not every caller may see. It is still what graphql-java and Spring need neither observe nor give a
 * context of its own.
 *
 * @param property reads it without asking who calls
 */
public record GuardedProperty(Set<Requirement> requirements, LightDataFetcher<?> property)
        implements LightDataFetcher<Object> {
    /** Whether {@link #get} would refuse nothing. */
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
