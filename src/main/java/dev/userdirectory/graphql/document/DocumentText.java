package dev.userdirectory.graphql.document;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.limit.LimitExceeded;
import java.util.Set;

/**
 * Rejects text that graphql-java must not parse, before it is parsed:
 *
 * <ul>
 *   <li>Numbers with too many digits. Parsing a digit takes far longer than parsing a letter.
 *   <li>Type definitions, which are not executed. The grammar has several rules for some of them, so the parser looks
 *       ahead to the end of their directives. For each new sequence of brackets in them, it keeps a state for the
 *       lifetime of the process.
 * </ul>
 */
public class DocumentText {
    /**
     * How many numbers of the maximum length a document may have. Their digits are enough for thousands of ordinary
     * numbers.
     */
    private static final int LONGEST_NUMBERS = 100;

    private static final Set<String> KEYWORDS_OF_TYPES =
            Set.of("schema", "scalar", "type", "interface", "union", "enum", "input", "directive", "extend");

    private final String document;
    private int position;
    private int digits;
    private int openBrackets;
    /** Whether the next token begins a definition. */
    private boolean begins = true;

    private DocumentText(String document) {
        this.document = document;
    }

    /** @throws graphql.execution.AbortExecutionException if the text defines a type or has too many digits */
    public static void check(String document, int limit) {
        new DocumentText(document).check(limit);
    }

    private void check(int limit) {
        while (position < document.length()) {
            char first = document.charAt(position);
            int start = position;
            if (first == '#') {
                skipLine();
            } else if (document.startsWith("\"\"\"", position)) {
                skipBlockString();
                checkDefinition(start);
            } else if (first == '"') {
                skipString();
                checkDefinition(start);
            } else if (isDigit(first)) {
                skipNumber();
                digits += position - start;
                LimitExceeded.DIGITS.check(position - start, limit);
                LimitExceeded.ALL_DIGITS.check(digits, (long) LONGEST_NUMBERS * limit);
            } else if (isName(first)) {
                skipName();
                checkDefinition(start);
            } else {
                position++;
                countBracket(first);
            }
        }
    }

    /** @param start the start of a name or a string; a string at the beginning of a definition describes a type */
    private void checkDefinition(int start) {
        if (begins
                && (document.charAt(start) == '"' || KEYWORDS_OF_TYPES.contains(document.substring(start, position)))) {
            throw LimitExceeded.abort(TypedGraphQLError.newBuilder()
                    .errorType(ErrorType.BAD_REQUEST)
                    .message("The document may define operations and fragments, and nothing else")
                    .extensions(ErrorCode.GRAPHQL_VALIDATION_FAILED.extensions())
                    .build());
        }
        begins = false;
    }

    private void countBracket(char bracket) {
        switch (bracket) {
            case '{', '(', '[' -> openBrackets++;
            case '}', ')', ']' -> openBrackets--;
            default -> {
                return;
            }
        }
        begins = bracket == '}' && openBrackets == 0;
    }

    private void skipLine() {
        while (position < document.length() && !isLineEnd(document.charAt(position))) {
            position++;
        }
    }

    private void skipBlockString() {
        int end = document.indexOf("\"\"\"", position + 3);
        while (end > 0 && document.charAt(end - 1) == '\\') {
            end = document.indexOf("\"\"\"", end + 3);
        }
        position = end < 0 ? document.length() : end + 3;
    }

    private void skipString() {
        for (position++; position < document.length(); position++) {
            char character = document.charAt(position);
            if (character == '"' || isLineEnd(character)) {
                position++;
                return;
            }
            if (character == '\\') {
                position++;
            }
        }
    }

    private void skipNumber() {
        for (position++; position < document.length(); position++) {
            char character = document.charAt(position);
            char before = document.charAt(position - 1);
            boolean signOfExponent = (character == '-' || character == '+') && (before == 'e' || before == 'E');
            if (!isName(character) && character != '.' && !signOfExponent) {
                return;
            }
        }
    }

    private void skipName() {
        while (position < document.length() && isName(document.charAt(position))) {
            position++;
        }
    }

    private static boolean isName(char character) {
        return character == '_'
                || isDigit(character)
                || (character >= 'a' && character <= 'z')
                || (character >= 'A' && character <= 'Z');
    }

    private static boolean isDigit(char character) {
        return character >= '0' && character <= '9';
    }

    private static boolean isLineEnd(char character) {
        return character == '\n' || character == '\r';
    }
}
