package dev.userdirectory.graphql.operation;

import com.netflix.graphql.types.errors.ErrorDetail;
import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.scope.SecurityProperties;
import graphql.ExecutionResult;
import graphql.GraphQLError;
import graphql.InvalidSyntaxError;
import graphql.execution.UnknownOperationException;
import graphql.execution.instrumentation.InstrumentationState;
import graphql.execution.instrumentation.SimplePerformantInstrumentation;
import graphql.execution.instrumentation.parameters.InstrumentationExecutionParameters;
import graphql.introspection.GoodFaithIntrospection.BadFaithIntrospectionError;
import graphql.introspection.IntrospectionDisabledError;
import graphql.language.SourceLocation;
import graphql.schema.CoercingParseValueException;
import graphql.validation.ValidationError;
import graphql.validation.ValidationErrorType;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Gives graphql-java's own errors a message and an {@code extensions.code}, using Apollo's codes. It runs before DGS
 * classifies errors, because their original types are lost after that.
 *
 * <p>The wording is in {@code i18n/*_en.properties}, which graphql-java reads instead of its own. It never repeats a
 * value or names a class. The client's own text is quoted from the document, by the error's location. A caller who may
 * not introspect sees only that quotation, because the rest of the message contains names from the schema.
 */
@Component
public class ErrorCodes extends SimplePerformantInstrumentation {
    /** Errors whose wording does not include the invalid text, so the quotation is added. */
    private static final Set<ValidationErrorType> OF_VALUES =
            Set.of(ValidationErrorType.WrongType, ValidationErrorType.BadValueForDefaultArg);
    /** The end of a message that graphql-java hard-codes instead of reading it from the properties. */
    private static final String NOT_AN_OBJECT = "must be an instance of type 'Map'.";

    private final SecurityProperties security;

    ErrorCodes(SecurityProperties security) {
        this.security = security;
    }

    @Override
    public CompletableFuture<ExecutionResult> instrumentExecutionResult(
            ExecutionResult result,
            InstrumentationExecutionParameters parameters,
            @Nullable InstrumentationState state) {
        if (result.getErrors().isEmpty()) {
            return CompletableFuture.completedFuture(result);
        }
        String document = parameters.getQuery();
        boolean mayIntrospect = security.mayIntrospect(Operation.of(parameters.getGraphQLContext()).caller);
        List<GraphQLError> errors = result.getErrors().stream()
                .map(error -> withCode(error, document, mayIntrospect))
                .toList();
        return CompletableFuture.completedFuture(result.transform(builder -> builder.errors(errors)));
    }

    private static GraphQLError withCode(GraphQLError error, String document, boolean mayIntrospect) {
        if (ErrorCode.of(error.getExtensions()) != null) {
            return error;
        }
        ErrorCode code = code(error);
        TypedGraphQLError.Builder coded = TypedGraphQLError.newBuilder()
                .errorType(code == ErrorCode.INTERNAL_SERVER_ERROR ? ErrorType.INTERNAL : ErrorType.BAD_REQUEST);
        if (error.getLocations() != null) {
            coded.locations(error.getLocations());
        }
        if (error.getPath() != null) {
            coded.path(error.getPath());
        }
        if (error instanceof ValidationError invalid) {
            coded.errorDetail(
                    invalid.getValidationErrorType() == ValidationErrorType.FieldUndefined
                            ? ErrorDetail.Common.FIELD_NOT_FOUND
                            : ErrorDetail.Common.INVALID_ARGUMENT);
        }
        Map<String, Object> extensions = error.getExtensions();
        return coded.message("%s", message(error, code, document, mayIntrospect))
                .extensions(extensions == null ? code.extensions() : code.extensions(extensions))
                .build();
    }

    private static ErrorCode code(GraphQLError error) {
        return switch (error) {
            case InvalidSyntaxError syntax -> ErrorCode.GRAPHQL_PARSE_FAILED;
            case ValidationError invalid -> ErrorCode.GRAPHQL_VALIDATION_FAILED;
            case UnknownOperationException unknown -> ErrorCode.OPERATION_RESOLUTION_FAILURE;
            case IntrospectionDisabledError disabled -> ErrorCode.INTROSPECTION_DISABLED;
            case BadFaithIntrospectionError bad -> ErrorCode.INTROSPECTION_LIMIT_EXCEEDED;
            default ->
                // A validation error of another class concerns a variable, not the document.
                error.getErrorType() == graphql.ErrorType.ValidationError
                        ? ErrorCode.BAD_USER_INPUT
                        : ErrorCode.INTERNAL_SERVER_ERROR;
        };
    }

    private static String message(GraphQLError error, ErrorCode code, String document, boolean mayIntrospect) {
        if (error instanceof InvalidSyntaxError) {
            String token = Quote.at(location(error), document);
            return token == null ? "Syntax error at the end of the document" : "Syntax error at `" + token + "`";
        }
        String quoted = Quote.withoutStrings(location(error), document);
        boolean ofTheSchema = error instanceof ValidationError || code == ErrorCode.BAD_USER_INPUT;
        if (ofTheSchema && !mayIntrospect) {
            String what = error instanceof ValidationError ? "The operation is not valid" : "A variable is not valid";
            return quoted == null ? what : what + " at `" + quoted + "`";
        }
        String message = Quote.of(String.valueOf(error.getMessage()));
        if (error instanceof CoercingParseValueException && error.getMessage().endsWith(NOT_AN_OBJECT)) {
            return (quoted == null ? "A variable" : "Variable `" + quoted + "`")
                    + " has an invalid value: an object is expected";
        }
        return error instanceof ValidationError invalid
                        && OF_VALUES.contains(invalid.getValidationErrorType())
                        && quoted != null
                ? message + ": `" + quoted + "`"
                : message;
    }

    private static @Nullable SourceLocation location(GraphQLError error) {
        List<SourceLocation> locations = error.getLocations();
        return locations == null || locations.isEmpty() ? null : locations.getFirst();
    }
}
