package dev.userdirectory.mutation;

import static graphql.schema.GraphQLArgument.getArgumentDefaultValue;
import static graphql.schema.GraphQLInputObjectField.getInputFieldDefaultValue;

import dev.userdirectory.graphql.document.Sha256;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.Characters;
import dev.userdirectory.input.InputErrors;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLInputObjectField;
import graphql.schema.GraphQLInputObjectType;
import graphql.schema.GraphQLInputValueDefinition;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import java.io.IOException;
import java.io.Writer;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Distinguishes a retry from a new mutation.
 *
 * @param subject the caller's subject
 * @param id the hash of the subject and the key
 * @param fingerprint the hash of the mutation's field and of the arguments that were sent
 * @param argument the argument or the header that gave the key
 */
record IdempotencyKey(String subject, String id, String fingerprint, String argument) {
    static final String ARGUMENT = "idempotencyKey";
    private static final int MAX_LENGTH = 200;
    /** Twice as much as a thousand users with the longest names and addresses need. */
    private static final int MAX_ARGUMENTS = 1_000_000;

    private static final String TOO_LONG =
            "The arguments of a mutation with a key have at most 1,000,000 characters as JSON.";
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
        if (!errors.isEmpty()) {
            return null;
        }
        String subject = operation.caller.subject();
        try {
            return new IdempotencyKey(
                    subject, hash(subject.length() + " " + subject + key), fingerprint(env), argument);
        } catch (JacksonException e) {
            errors.check(TOO_LONG, argument);
            return null;
        }
    }

    /**
     * Hashes the arguments that the client has sent, without defaults. So even a newer version of the service, which
     * has more arguments and input fields, recognizes a retry.
     *
     * @throws JacksonException if they are too long
     */
    static String fingerprint(DataFetchingEnvironment env) {
        Map<String, @Nullable Object> arguments =
                withoutDefaults(env.getArguments(), env.getFieldDefinition()::getArgument);
        arguments.remove(ARGUMENT);
        BoundedText json = new BoundedText();
        JSON.writeValue(json, arguments);
        return hash(env.getField().getName() + " " + json);
    }

    /** The arguments may be much longer than the request, which can repeat one long variable in a list. */
    private static final class BoundedText extends Writer {
        private final StringBuilder text = new StringBuilder();

        @Override
        public void write(char[] characters, int offset, int length) throws IOException {
            if (text.length() + length > MAX_ARGUMENTS) {
                throw new IOException("Too long");
            }
            text.append(characters, offset, length);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        @Override
        public String toString() {
            return text.toString();
        }
    }

    /** Escapes unpaired surrogates: they cannot be encoded in UTF-8, and would all become the same question mark. */
    private static String hash(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
                escaped.append("\\u").append(HexFormat.of().toHexDigits((char) c));
            } else {
                escaped.appendCodePoint(c);
            }
        });
        return Sha256.hex(escaped.toString());
    }

    private static Map<String, @Nullable Object> withoutDefaults(
            Map<?, ?> values, Function<String, GraphQLInputValueDefinition> definitions) {
        Map<String, @Nullable Object> sent = new HashMap<>();
        values.forEach((name, value) -> {
            GraphQLInputValueDefinition definition = definitions.apply(name.toString());
            if (!hasDefault(definition, value)) {
                sent.put(definition.getName(), withoutDefaults(value, GraphQLTypeUtil.unwrapAll(definition.getType())));
            }
        });
        return sent;
    }

    private static @Nullable Object withoutDefaults(@Nullable Object value, GraphQLType type) {
        if (value instanceof List<?> list) {
            return list.stream().map(element -> withoutDefaults(element, type)).toList();
        }
        return value instanceof Map<?, ?> fields && type instanceof GraphQLInputObjectType object
                ? withoutDefaults(fields, object::getFieldDefinition)
                : value;
    }

    private static boolean hasDefault(GraphQLInputValueDefinition definition, @Nullable Object value) {
        return definition instanceof GraphQLArgument argument
                ? argument.hasSetDefaultValue() && Objects.equals(value, getArgumentDefaultValue(argument))
                : definition instanceof GraphQLInputObjectField field
                        && field.hasSetDefaultValue()
                        && Objects.equals(value, getInputFieldDefaultValue(field));
    }

    private static @Nullable String problem(String key, @Nullable String header, Caller caller) {
        if (key.isEmpty() || Characters.isLonger(key, MAX_LENGTH)) {
            return "A key has 1 to 200 characters.";
        }
        if (Characters.contains(key, Characters::isControl)) {
            return "A key has no control characters.";
        }
        if (header != null && !header.equals(key)) {
            return "The header " + IdempotencyHeader.NAME + " has another key.";
        }
        return caller.subject().isEmpty() ? "Keys belong to the subject of a token, and this token has none." : null;
    }
}
