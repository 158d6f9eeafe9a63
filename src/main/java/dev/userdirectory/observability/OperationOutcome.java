package dev.userdirectory.observability;

import dev.userdirectory.error.ErrorCode;
import graphql.GraphQLError;
import io.micrometer.common.KeyValues;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of an operation in metrics and traces: the tags of Spring for GraphQL's {@code graphql.request}, the
 * operation's name, and the code of its first error.
 *
 * @param name one of the limited number of {@link OperationNames}
 */
record OperationOutcome(String name, String type, String outcome, String code) {
    static final String NAME = "graphql.operation.name";
    static final String ANONYMOUS = "anonymous";
    static final String UNKNOWN = "unknown";
    /** Spring's name for the unknown type of an operation. */
    static final String ANY_TYPE = "operation";

    static final OperationOutcome FAILED =
            new OperationOutcome(UNKNOWN, ANY_TYPE, "INTERNAL_ERROR", ErrorCode.INTERNAL_SERVER_ERROR.name());
    static final OperationOutcome CANCELLED = new OperationOutcome(UNKNOWN, ANY_TYPE, "REQUEST_ERROR", "CANCELLED");

    /** The codes of failures that are not the fault of the client. */
    private static final Set<ErrorCode> INTERNAL =
            EnumSet.of(ErrorCode.INTERNAL_SERVER_ERROR, ErrorCode.UNAVAILABLE, ErrorCode.DEADLINE_EXCEEDED);

    static OperationOutcome of(String name, String type, List<GraphQLError> errors) {
        if (errors.isEmpty()) {
            return new OperationOutcome(name, type, "SUCCESS", "OK");
        }
        return new OperationOutcome(
                name,
                type,
                errors.stream().anyMatch(OperationOutcome::isInternal) ? "INTERNAL_ERROR" : "REQUEST_ERROR",
                code(errors.getFirst().getExtensions()));
    }

    private static boolean isInternal(GraphQLError error) {
        ErrorCode code = ErrorCode.of(error.getExtensions());
        return code != null && INTERNAL.contains(code);
    }

    private static String code(@Nullable Map<String, Object> extensions) {
        return extensions == null ? UNKNOWN : String.valueOf(extensions.getOrDefault("code", UNKNOWN));
    }

    KeyValues tags() {
        return KeyValues.of(NAME, name, "graphql.operation.type", type, "graphql.outcome", outcome, "code", code);
    }

    /**
     * The span name that OpenTelemetry recommends. It includes the operation's own name, since the number of names is
     * limited.
     */
    String spanName() {
        return switch (name) {
            case UNKNOWN -> "GraphQL Operation";
            case ANONYMOUS, OperationNames.OTHER -> type;
            default -> type + " " + name;
        };
    }
}
