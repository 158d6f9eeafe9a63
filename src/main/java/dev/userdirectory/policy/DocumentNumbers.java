package dev.userdirectory.policy;

/**
 * Finds numbers with too many digits in a document before it is parsed. graphql-java takes longer for a digit than for a
 * hundred letters, and half a second for 99,000 of them.
 */
class DocumentNumbers {
    /** All together: a hundred of the longest, or thousands of ordinary ones. */
    private static final int LONGEST_NUMBERS = 100;

    private final String document;
    private int position;
    private int digits;

    private DocumentNumbers(String document) {
        this.document = document;
    }

    /** @throws graphql.execution.AbortExecutionException at the first number that is too long, or one too many */
    static void check(String document, int limit) {
        new DocumentNumbers(document).check(limit);
    }

    private void check(int limit) {
        while (position < document.length()) {
            char first = document.charAt(position);
            int start = position;
            if (first == '#') {
                skipLine();
            } else if (document.startsWith("\"\"\"", position)) {
                skipBlockString();
            } else if (first == '"') {
                skipString();
            } else if (isDigit(first)) {
                skipNumber();
                digits += position - start;
                LimitExceeded.DIGITS.check(position - start, limit);
                LimitExceeded.ALL_DIGITS.check(digits, (long) LONGEST_NUMBERS * limit);
            } else if (isName(first)) {
                skipName();
            } else {
                position++;
            }
        }
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
