package dev.userdirectory.error;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/** Every {@code extensions.code} in responses on any transport. It uses Apollo's codes where they exist. */
public enum ErrorCode {
    GRAPHQL_PARSE_FAILED("The document has a syntax error."),
    GRAPHQL_VALIDATION_FAILED("The document does not match the schema."),
    OPERATION_RESOLUTION_FAILURE(
            "The document has no operation of the given name, or has several and no name is given."),
    BAD_USER_INPUT("An argument or a variable has an invalid value."),

    PERSISTED_QUERY_NOT_FOUND("No document is registered under the hash: send the document as well."),
    PERSISTED_QUERY_HASH_MISMATCH("The hash is not that of the document."),
    PERSISTED_QUERY_NOT_IN_LIST("No trusted document has the hash."),
    PERSISTED_QUERY_ID_REQUIRED("Only trusted documents are run: send the hash of one."),

    UNAUTHENTICATED("The request has no token, or its token is not valid.", HttpStatus.UNAUTHORIZED),
    FORBIDDEN("The token lacks a scope, or the page's origin is not allowed.", HttpStatus.FORBIDDEN),
    SWITCHED_OFF("The service is configured not to serve the field."),
    INTROSPECTION_DISABLED("The service is configured not to serve introspection."),

    MAX_DEPTH_LIMIT("The operation has too many levels of fields, or the document too many of fragments."),
    MAX_FIELDS_LIMIT("The operation has too many fields, or the document too many fields, operations or fragments."),
    MAX_ROOT_FIELDS_LIMIT("The operation has too many root fields."),
    MAX_ALIASES_LIMIT("The operation has too many aliases."),
    MAX_DIRECTIVES_LIMIT("The operation has too many directives."),
    MAX_NESTING_LIMIT("The document is nested too deeply to be parsed."),
    MAX_TOKENS_LIMIT("The document has too many tokens."),
    MAX_CHARACTERS_LIMIT("The document has too many characters."),
    MAX_VARIABLES_LIMIT("The request has too many values in its variables, extensions and unknown members."),
    MAX_DIGITS_LIMIT("A number, or all numbers of the document together, have too many digits."),
    MAX_MEMBER_NAME_LIMIT("The name of a JSON member is too long."),
    MAX_BODY_LIMIT("The body of the request is too large.", HttpStatus.CONTENT_TOO_LARGE),
    MAX_RESPONSE_LIMIT("The response would be too large. If the operation is a mutation, it took effect."),
    COST_ESTIMATED_TOO_EXPENSIVE("The operation costs too much: ask for smaller pages."),
    INTROSPECTION_LIMIT_EXCEEDED("The introspection has too many fields, or too many levels of them."),
    RATE_LIMITED(
            "The operation costs more than the caller's budget has left, or the caller is running an export already.",
            HttpStatus.TOO_MANY_REQUESTS),
    TOO_MANY_SUBSCRIPTIONS(
            "The caller, or all callers together, have too many sockets, event streams or subscriptions open.",
            HttpStatus.TOO_MANY_REQUESTS),
    DEADLINE_EXCEEDED(
            "The request took too long. Whether a mutation took effect is unknown.", HttpStatus.REQUEST_TIMEOUT),
    UNAVAILABLE(
            "The service is overloaded or stopping, cannot write at the moment, or cannot reach the token's issuer:"
                    + " try again.",
            HttpStatus.SERVICE_UNAVAILABLE),

    EVENTS_EXPIRED("Events after the cursor may be missing: read the users again, then follow without a cursor."),
    TOO_SLOW("The subscriber has fallen too far behind: resume after the cursor of the last event."),

    BAD_REQUEST("The request is malformed, or cannot be served this way.", HttpStatus.BAD_REQUEST),
    NOT_FOUND("Nothing is served under the path.", HttpStatus.NOT_FOUND),
    METHOD_NOT_ALLOWED("The method is not allowed for the path or the operation.", HttpStatus.METHOD_NOT_ALLOWED),
    NOT_ACCEPTABLE("The `Accept` header allows no type that is served.", HttpStatus.NOT_ACCEPTABLE),
    UNSUPPORTED_MEDIA_TYPE("The body of the request is not plain JSON.", HttpStatus.UNSUPPORTED_MEDIA_TYPE),
    REQUESTED_RANGE_NOT_SATISFIABLE(
            "The requested range is not within the file.", HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
    EXPECTATION_FAILED("The `Expect` header asks for something unknown.", HttpStatus.EXPECTATION_FAILED),
    UPGRADE_REQUIRED("The handshake asks for another version of WebSocket.", HttpStatus.UPGRADE_REQUIRED),
    NOT_IMPLEMENTED(
            "AWS Lambda serves no streams and no exports, or the `Transfer-Encoding` is unknown.",
            HttpStatus.NOT_IMPLEMENTED),
    HTTP_VERSION_NOT_SUPPORTED("The request is of another version of HTTP.", HttpStatus.HTTP_VERSION_NOT_SUPPORTED),

    INTERNAL_SERVER_ERROR(
            "The service failed. The log has the cause under the error's ID. Whether a mutation took effect is"
                    + " unknown.",
            HttpStatus.INTERNAL_SERVER_ERROR);

    private final String meaning;
    private final @Nullable HttpStatus status;

    ErrorCode(String meaning) {
        this(meaning, null);
    }

    ErrorCode(String meaning, @Nullable HttpStatus status) {
        this.meaning = meaning;
        this.status = status;
    }

    public String meaning() {
        return meaning;
    }

    /** The status of a request that is rejected with this code; null if it only occurs in GraphQL responses. */
    public @Nullable HttpStatus status() {
        return status;
    }

    /** The code for a request that the server or a framework has rejected with only a status. */
    public static ErrorCode of(HttpStatus status) {
        for (ErrorCode code : values()) {
            if (code.status == status) {
                return code;
            }
        }
        return status.is4xxClientError() ? BAD_REQUEST : INTERNAL_SERVER_ERROR;
    }

    /** The code in an error's extensions; null if they contain none of these codes. */
    public static @Nullable ErrorCode of(@Nullable Map<?, ?> extensions) {
        Object name = extensions == null ? null : extensions.get("code");
        for (ErrorCode code : values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return null;
    }

    /** The extensions of an error with this code. */
    public Map<String, Object> extensions() {
        return Map.of("code", name());
    }

    /** The extensions of an error with this code and further entries. */
    public Map<String, Object> extensions(Map<String, ?> details) {
        Map<String, Object> extensions = new HashMap<>(details);
        extensions.put("code", name());
        return extensions;
    }
}
