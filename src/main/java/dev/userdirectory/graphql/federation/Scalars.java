package dev.userdirectory.graphql.federation;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsRuntimeWiring;
import graphql.GraphQLContext;
import graphql.execution.CoercedVariables;
import graphql.language.Value;
import graphql.scalars.ExtendedScalars;
import graphql.schema.Coercing;
import graphql.schema.CoercingParseLiteralException;
import graphql.schema.CoercingParseValueException;
import graphql.schema.GraphQLScalarType;
import graphql.schema.idl.RuntimeWiring;
import java.math.BigInteger;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

@DgsComponent
public class Scalars {
    private static final GraphQLScalarType DATE_TIME = ExtendedScalars.DateTime;
    private static final String INSTANT_EXPECTED =
            "an instant is expected, as RFC 3339 writes it: \"2026-11-23T09:30:00Z\"";

    @DgsRuntimeWiring
    public RuntimeWiring.Builder addScalars(RuntimeWiring.Builder wiring) {
        GraphQLScalarType builtIn = graphql.Scalars.GraphQLID;
        return wiring
                // Without the library's description, the schema's own applies.
                .scalar(DATE_TIME.transform(scalar ->
                        scalar.description(null).coercing(new Input(DATE_TIME.getCoercing(), Scalars::parseDateTime))))
                // Strict mode forbids replacing built-in scalars.
                .strictMode(false)
                .scalar(builtIn.transform(
                        scalar -> scalar.coercing(new Input(builtIn.getCoercing(), Scalars::parseId))))
                .strictMode(true);
    }

    /** Formats a time as responses do, for other output with the same values. */
    public static String text(OffsetDateTime time) {
        return String.valueOf(DATE_TIME.getCoercing().serialize(time, GraphQLContext.getDefault(), Locale.ROOT));
    }

    /** GraphQL 3.5.5: a variable of type ID is a string or an integer. graphql-java converts any value to a string. */
    private static Object parseId(Object input) {
        return switch (input) {
            case String text -> text;
            case Integer number -> number.toString();
            case Long number -> number.toString();
            case BigInteger number -> number.toString();
            default -> throw new CoercingParseValueException("an ID is expected, which is a string or an integer");
        };
    }

    /** Replaces the library's messages, which name Java types. */
    private static Object parseDateTime(Object input) {
        try {
            Object time = Objects.requireNonNull(
                    DATE_TIME.getCoercing().parseValue(input, GraphQLContext.getDefault(), Locale.ROOT));
            if (hasFourDigitYear(time)) {
                return time;
            }
        } catch (CoercingParseValueException e) {
            throw new CoercingParseValueException(INSTANT_EXPECTED, e);
        }
        throw new CoercingParseValueException(INSTANT_EXPECTED);
    }

    /**
     * Whether the year has four digits, as RFC 3339 5.6 requires. The library accepts other years, and PostgreSQL
     * rejects some of these.
     */
    private static boolean hasFourDigitYear(@Nullable Object value) {
        return !(value instanceof OffsetDateTime time) || (time.getYear() >= 0 && time.getYear() <= 9999);
    }

    /** Parses literals as the library's scalar does, and variables with another parser. */
    private record Input(Coercing<?, ?> library, UnaryOperator<Object> parser) implements Coercing<Object, Object> {
        @Override
        public Object parseValue(Object input, GraphQLContext context, Locale locale) {
            return parser.apply(input);
        }

        @Override
        public @Nullable Object parseLiteral(
                Value<?> input, CoercedVariables variables, GraphQLContext context, Locale locale) {
            Object value = library.parseLiteral(input, variables, context, locale);
            if (!hasFourDigitYear(value)) {
                throw new CoercingParseLiteralException(INSTANT_EXPECTED);
            }
            return value;
        }

        @Override
        public @Nullable Object serialize(Object result, GraphQLContext context, Locale locale) {
            return library.serialize(result, context, locale);
        }

        @Override
        public Value<?> valueToLiteral(Object input, GraphQLContext context, Locale locale) {
            return library.valueToLiteral(input, context, locale);
        }
    }
}
