package dev.userdirectory.graphql.operation;

import graphql.i18n.I18n;
import graphql.i18n.I18n.BundleType;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.springframework.stereotype.Component;

/**
 * Loads graphql-java's messages and our replacements for them before the first request, and keeps them.
 *
 * <p>A request must not look up resources in the executable jar. A virtual thread that does so can lose its carrier thread
 * while it holds a lock of Spring Boot's class loader. A thread that loads a class keeps its carrier thread while it waits
 * for that lock. Once such threads occupy all carrier threads, no virtual thread can continue
 * (<a href="https://github.com/spring-projects/spring-boot/issues/51463">Spring Boot's issue 51463</a>).
 */
@Component
public class LibraryMessages {
    private final List<I18n> messages = Stream.of(BundleType.values())
            .map(type -> I18n.i18n(type, Locale.ENGLISH))
            .toList();

    /** The locale of these messages, regardless of the locale of the client or the JVM. */
    public Locale locale() {
        return messages.getFirst().getLocale();
    }
}
