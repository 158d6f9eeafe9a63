package dev.userdirectory.observability;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.json.JsonWriter.Members;
import org.springframework.boot.json.JsonWriter.ValueProcessor;
import org.springframework.boot.logging.structured.StructuredLoggingJsonMembersCustomizer;

/**
 * Removes e-mail addresses and tokens from the structured log, regardless of their source: exceptions of libraries, for
 * example, may contain them.
 */
class LogRedaction implements StructuredLoggingJsonMembersCustomizer<Object> {
    private static final Pattern EMAIL =
            Pattern.compile("[^\\s\"'<>()\\[\\]{},;:=@]{1,64}+@[^\\s\"'<>()\\[\\]{},;:=@]+");
    /**
     * A JSON Web Token starts with an object in Base64. No group is repeated, because Java's matcher recurses for each
     * repetition.
     */
    private static final Pattern TOKEN = Pattern.compile("(?i)bearer\\s++\\S+|\\beyJ[\\w.-]+");

    @Override
    public void customize(Members<Object> members) {
        members.applyingValueProcessor(ValueProcessor.of(String.class, LogRedaction::redact));
    }

    private static @Nullable String redact(@Nullable String text) {
        if (text == null) {
            return null;
        }
        String withoutTokens = TOKEN.matcher(text).replaceAll("[token]");
        return text.indexOf('@') < 0
                ? withoutTokens
                : EMAIL.matcher(withoutTokens).replaceAll("[email]");
    }
}
