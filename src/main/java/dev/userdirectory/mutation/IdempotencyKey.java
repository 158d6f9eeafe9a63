package dev.userdirectory.mutation;

import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputErrors;
import graphql.schema.DataFetchingEnvironment;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tells a retry from a new mutation.
 *
 * @param id the hash of the caller's subject and the key
 * @param fingerprint the hash of the mutation's field and arguments
 * @param argument the argument or the header that gave the key
 */
record IdempotencyKey(String id, String fingerprint, String argument) {
    static final String ARGUMENT = "idempotencyKey";
    private static final int MAX_LENGTH = 200;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    /** Returns null if the mutation has no key, and adds an error if it has one that cannot be used. */
    static @Nullable IdempotencyKey of(DataFetchingEnvironment env, InputErrors errors) {
        Operation operation = Operation.of(env.getGraphQlContext());
        String given = env.getArgument(ARGUMENT);
        String header = operation.idempotencyKey;
        String key = given == null ? header : given;
        if (key == null) {
            return null;
        }
        String argument = given == null ? IdempotencyHeader.NAME : ARGUMENT;
        errors.check(problem(key, header, operation.caller), argument);
        Map<String, Object> arguments = new HashMap<>(env.getArguments());
        arguments.remove(ARGUMENT);
        String subject = operation.caller.subject();
        return new IdempotencyKey(
                Sha256.hex(subject.length() + " " + subject + key),
                Sha256.hex(env.getField().getName() + " " + JSON.writeValueAsString(arguments)),
                argument);
    }

    private static @Nullable String problem(String key, @Nullable String header, Caller caller) {
        if (key.isEmpty() || key.codePointCount(0, key.length()) > MAX_LENGTH) {
            return "A key has 1 to 200 characters.";
        }
        if (header != null && !header.equals(key)) {
            return "The header " + IdempotencyHeader.NAME + " has another key.";
        }
        return caller.subject().isEmpty() ? "Keys belong to the subject of a token, and this token has none." : null;
    }
}
