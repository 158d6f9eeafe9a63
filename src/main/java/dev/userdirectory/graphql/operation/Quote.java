package dev.userdirectory.graphql.operation;

import graphql.language.SourceLocation;
import org.jspecify.annotations.Nullable;

/** Quotes text from clients in error messages: short, on one line, and only characters that UTF-8 can encode. */
final class Quote {
    private static final int MAX_LENGTH = 200;
    private static final int MAX_LENGTH_OF_SOURCE = 60;

    private Quote() {}

    static String of(String text) {
        return of(text, 0, text.length(), MAX_LENGTH);
    }

    /**
     * The rest of the line from that location on, up to the first string, which may contain personal data; null if
     * nothing is left.
     */
    static @Nullable String withoutStrings(@Nullable SourceLocation location, String document) {
        String quoted = at(location, document);
        int string = quoted == null ? -1 : quoted.indexOf('"');
        if (quoted == null || string < 0) {
            return quoted;
        }
        return string == 0 ? null : quoted.substring(0, string) + '…';
    }

    /** The rest of the line from that location on, or null if nothing is left. */
    static @Nullable String at(@Nullable SourceLocation location, String document) {
        if (location == null || location.getLine() < 1 || location.getColumn() < 1) {
            return null;
        }
        int start = 0;
        for (int line = 1; line < location.getLine(); line++) {
            start = endOfLine(document, start);
            // CR, LF and CRLF each end one line.
            start += document.startsWith("\r\n", start) ? 2 : 1;
        }
        int end = Math.min(endOfLine(document, start), document.length());
        for (int column = 1; column < location.getColumn() && start < end; column++) {
            start += Character.charCount(document.codePointAt(start));
        }
        String quoted = of(document, start, end, MAX_LENGTH_OF_SOURCE).strip();
        return quoted.isEmpty() ? null : quoted;
    }

    private static int endOfLine(String text, int from) {
        int end = from;
        while (end < text.length() && text.charAt(end) != '\n' && text.charAt(end) != '\r') {
            end++;
        }
        return end;
    }

    private static String of(String text, int start, int end, int maxLength) {
        StringBuilder quoted = new StringBuilder();
        int i = start;
        for (; i < end && quoted.length() < maxLength; i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            boolean isShown =
                    !Character.isISOControl(c) && (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE);
            quoted.appendCodePoint(isShown ? c : 0xFFFD);
        }
        return i < end ? quoted.append('…').toString() : quoted.toString();
    }
}
