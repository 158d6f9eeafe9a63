package dev.userdirectory.graphql.limit;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import graphql.GraphQLError;
import graphql.execution.AbortExecutionException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The limits of a request, with their codes and messages. Where Apollo Router has the same limit, its code is used. */
public enum LimitExceeded {
    DEPTH(ErrorCode.MAX_DEPTH_LIMIT, "The operation is %,d fields deep; at most %,d are served"),
    FRAGMENTS(ErrorCode.MAX_DEPTH_LIMIT, "The document has %,d fragments nested in each other; at most %,d are served"),
    DEFINITIONS(ErrorCode.MAX_FIELDS_LIMIT, "The document has %,d definitions; at most %,d are read"),
    FIELDS(ErrorCode.MAX_FIELDS_LIMIT, "The operation has %,d fields; at most %,d are served"),
    ALL_FIELDS(ErrorCode.MAX_FIELDS_LIMIT, "The document's operations have %,d fields or more; at most %,d are read"),
    ROOT_FIELDS(ErrorCode.MAX_ROOT_FIELDS_LIMIT, "The operation has %,d root fields; at most %,d are served"),
    ALIASES(ErrorCode.MAX_ALIASES_LIMIT, "The operation has %,d aliases; at most %,d are served"),
    DIRECTIVES(ErrorCode.MAX_DIRECTIVES_LIMIT, "The operation has %,d directives; at most %,d are served"),
    COST(
            ErrorCode.COST_ESTIMATED_TOO_EXPENSIVE,
            "The operation costs %,d; at most %,d is served. Ask for smaller pages"),
    NESTING(ErrorCode.MAX_NESTING_LIMIT, "The document's grammar is nested %,d levels or more; at most %,d are read"),
    TOKENS(ErrorCode.MAX_TOKENS_LIMIT, "The document has %,d tokens or more; at most %,d are read"),
    CHARACTERS(ErrorCode.MAX_CHARACTERS_LIMIT, "The document has %,d characters; at most %,d are read"),
    VARIABLES(ErrorCode.MAX_VARIABLES_LIMIT, "The request has %,d values or more; at most %,d are read"),
    DIGITS(ErrorCode.MAX_DIGITS_LIMIT, "A number has %,d digits; at most %,d are read"),
    ALL_DIGITS(ErrorCode.MAX_DIGITS_LIMIT, "The numbers in the document have %,d digits or more; at most %,d are read"),
    MEMBER_NAME(ErrorCode.MAX_MEMBER_NAME_LIMIT, "The name of a member has %,d characters; at most %,d are read"),
    RESPONSE(
            ErrorCode.MAX_RESPONSE_LIMIT,
            "The response has %,d bytes or more; at most %,d are sent. If the operation is a mutation, it took"
                    + " effect"),
    INTROSPECTION_DEPTH(
            ErrorCode.INTROSPECTION_LIMIT_EXCEEDED, "The introspection is %,d fields deep; at most %,d are served"),
    INTROSPECTION_FIELDS(
            ErrorCode.INTROSPECTION_LIMIT_EXCEEDED, "The introspection has %,d fields; at most %,d are served");

    private final ErrorCode code;
    private final String message;

    LimitExceeded(ErrorCode code, String message) {
        this.code = code;
        this.message = message;
    }

    GraphQLError error(long requested, long limit) {
        return TypedGraphQLError.newBuilder()
                .errorType(ErrorType.BAD_REQUEST)
                .message("%s", String.format(Locale.ROOT, message, requested, limit))
                .extensions(code.extensions(Map.of("requested", requested, "limit", limit)))
                .build();
    }

    /** @throws AbortExecutionException if the limit is exceeded: the response is then the error and nothing else */
    public void check(long requested, long limit) {
        if (requested > limit) {
            throw abort(error(requested, limit));
        }
    }

    public static AbortExecutionException abort(GraphQLError error) {
        return new AbortExecutionException(List.of(error));
    }
}
