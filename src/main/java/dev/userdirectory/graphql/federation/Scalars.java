package dev.userdirectory.graphql.federation;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsRuntimeWiring;
import graphql.GraphQLContext;
import graphql.execution.CoercedVariables;
import graphql.language.Value;
import graphql.scalars.ExtendedScalars;
import graphql.schema.Coercing;
import graphql.schema.CoercingParseValueException;
import graphql.schema.GraphQLScalarType;
import graphql.schema.idl.RuntimeWiring;
import java.math.BigInteger;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class Scalars {
    @DgsRuntimeWiring
    public RuntimeWiring.Builder addScalars(RuntimeWiring.Builder wiring) {
        GraphQLScalarType builtIn = graphql.Scalars.GraphQLID;
        return wiring
                // Without the library's description, the schema's own applies.
                .scalar(ExtendedScalars.DateTime.transform(scalar -> scalar.description(null)))
                // Strict mode forbids replacing built-in scalars.
                .strictMode(false)
                .scalar(builtIn.transform(scalar -> scalar.coercing(new StrictId(builtIn.getCoercing()))))
                .strictMode(true);
    }

    /** GraphQL 3.5.5: a variable of type ID is a string or an integer. graphql-java converts any value to a string. */
    private record StrictId(Coercing<?, ?> builtIn) implements Coercing<Object, Object> {
        @Override
        public Object parseValue(Object input, GraphQLContext context, Locale locale) {
            return switch (input) {
                case String text -> text;
                case Integer number -> number.toString();
                case Long number -> number.toString();
                case BigInteger number -> number.toString();
                default -> throw new CoercingParseValueException("an ID is expected, which is a string or an integer");
            };
        }

        @Override
        public @Nullable Object parseLiteral(
                Value<?> input, CoercedVariables variables, GraphQLContext context, Locale locale) {
            return builtIn.parseLiteral(input, variables, context, locale);
        }

        @Override
        public @Nullable Object serialize(Object result, GraphQLContext context, Locale locale) {
            return builtIn.serialize(result, context, locale);
        }

        @Override
        public Value<?> valueToLiteral(Object input, GraphQLContext context, Locale locale) {
            return builtIn.valueToLiteral(input, context, locale);
        }
    }
}
