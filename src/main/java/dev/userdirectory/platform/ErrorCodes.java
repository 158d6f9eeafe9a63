package dev.userdirectory.platform;

import com.netflix.graphql.types.errors.ErrorDetail;
import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.InvalidSyntaxError;
import graphql.execution.UnknownOperationException;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.introspection.GoodFaithIntrospection.BadFaithIntrospectionError;
import graphql.introspection.IntrospectionDisabledError;
import graphql.validation.ValidationError;
import graphql.validation.ValidationErrorType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;

/**
 * Gives the errors that graphql-java makes itself their {@code extensions.code}, in Apollo's words. It comes before
 * DGS classifies errors, from which one can no longer tell what they were.
 */
@Component
@Order(0)
class ErrorCodes extends SimplePerformantInstrumentation {
    private static final Pattern LITERAL =
            Pattern.compile("(?s)(?: with value|(?<=Bad default value)) '.*'(?= (?:is|must|contains|for) )");
    private static final Pattern JAVA_TYPE = Pattern.compile("(?:an AST type of )?'([A-Z][A-Za-z]+)'");
    private static final Pattern ENUM_VALUE = Pattern.compile("EnumValue\\{name='(\\w+)'}");
    private static final Map<String, String> TYPES = Map.ofEntries(
            Map.entry("IntValue", "Int"),
            Map.entry("Integer", "Int"),
            Map.entry("Long", "Int"),
            Map.entry("BigInteger", "Int"),
            Map.entry("FloatValue", "Float"),
            Map.entry("Double", "Float"),
            Map.entry("BigDecimal", "Float"),
            Map.entry("StringValue", "String"),
            Map.entry("BooleanValue", "Boolean"),
            Map.entry("EnumValue", "enum value"),
            Map.entry("NullValue", "null"),
            Map.entry("ObjectValue", "object"),
            Map.entry("Map", "object"),
            Map.entry("LinkedHashMap", "object"),
            Map.entry("ArrayValue", "list"),
            Map.entry("ArrayList", "list"));

    @Override
    public CompletableFuture<ExecutionResult> instrumentExecutionResult(
            ExecutionResult result,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        if (result.getErrors().isEmpty()) {
            return CompletableFuture.completedFuture(result);
        }
        List<GraphQLError> errors =
                result.getErrors().stream().map(ErrorCodes::withCode).toList();
        return CompletableFuture.completedFuture(result.transform(builder -> builder.errors(errors)));
    }

    private static GraphQLError withCode(GraphQLError error) {
        if (error.getExtensions() != null && error.getExtensions().containsKey("code")) {
            return error;
        }
        String code = code(error);
        TypedGraphQLError.Builder coded = TypedGraphQLError.newBuilder()
                .errorType(code.equals("INTERNAL_SERVER_ERROR") ? ErrorType.INTERNAL : ErrorType.BAD_REQUEST);
        if (error.getLocations() != null) {
            coded.locations(error.getLocations());
        }
        List<Object> path = error instanceof ValidationError invalid ? path(invalid) : error.getPath();
        if (path != null) {
            coded.path(path);
        }
        if (error instanceof ValidationError invalid) {
            coded.errorDetail(
                    invalid.getValidationErrorType() == ValidationErrorType.FieldUndefined
                            ? ErrorDetail.Common.FIELD_NOT_FOUND
                            : ErrorDetail.Common.INVALID_ARGUMENT);
        }
        Map<String, Object> extensions = new HashMap<>();
        if (error.getExtensions() != null) {
            extensions.putAll(error.getExtensions());
        }
        extensions.put("code", code);
        return coded.message(withoutJava(error.getMessage()))
                .extensions(extensions)
                .build();
    }

    private static String code(GraphQLError error) {
        return switch (error) {
            case InvalidSyntaxError syntax -> "GRAPHQL_PARSE_FAILED";
            case ValidationError invalid -> "GRAPHQL_VALIDATION_FAILED";
            case UnknownOperationException unknown -> "OPERATION_RESOLUTION_FAILURE";
            case IntrospectionDisabledError disabled -> "INTROSPECTION_DISABLED";
            case BadFaithIntrospectionError bad -> "INTROSPECTION_LIMIT_EXCEEDED";
            default ->
                // Of the variables: those of the document are ValidationErrors.
                error.getErrorType() == graphql.ErrorType.ValidationError ? "BAD_USER_INPUT" : "INTERNAL_SERVER_ERROR";
        };
    }

    private static @Nullable List<Object> path(ValidationError error) {
        return error.getQueryPath() == null ? null : List.copyOf(error.getQueryPath());
    }

    /** The names of graphql-java's classes for literals, and of Java's for the values of variables, are no client's business. */
    private static String withoutJava(String message) {
        String withoutParser = message.replace("with ANTLR error", "with error");
        String withoutNodes = ENUM_VALUE.matcher(withoutParser).replaceAll("$1");
        return JAVA_TYPE
                .matcher(LITERAL.matcher(withoutNodes).replaceAll(""))
                .replaceAll(match -> "'" + TYPES.getOrDefault(match.group(1), match.group(1)) + "'");
    }
}
