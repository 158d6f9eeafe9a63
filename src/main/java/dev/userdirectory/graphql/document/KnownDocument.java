package dev.userdirectory.graphql.document;

import dev.userdirectory.graphql.limit.Weight;
import graphql.execution.preparsed.PreparsedDocumentEntry;
import graphql.language.Field;
import graphql.language.Node;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A document that was parsed, held to the limits and found valid, with everything that was worked out about it since. */
public final class KnownDocument {
    /** With its place in the document, its name and its list of children. */
    private static final int NODE = 140;
    /** How it is completed, for each of the types that it can be a field of. */
    private static final int COMPLETION = 450;

    private final String text;
    private final PreparsedDocumentEntry parsed;
    private final long bytesOfParsed;
    /** By the name that requests give, which is empty if they give none. */
    private final Map<String, KnownOperation> operations = new ConcurrentHashMap<>(1);

    KnownDocument(String text, PreparsedDocumentEntry parsed) {
        this.text = text;
        this.parsed = parsed;
        bytesOfParsed = 3L * Weight.OBJECT + 2 * Weight.of(text) + bytes(parsed.getDocument());
    }

    private static long bytes(Node<?> node) {
        long sum = node instanceof Field ? NODE + COMPLETION : NODE;
        for (Node<?> child : node.getChildren()) {
            sum += bytes(child);
        }
        return sum;
    }

    String text() {
        return text;
    }

    PreparsedDocumentEntry parsed() {
        return parsed;
    }

    @Nullable
    KnownOperation operation(@Nullable String requestedName) {
        return operations.get(requestedName == null ? "" : requestedName);
    }

    KnownOperation add(@Nullable String requestedName, @Nullable String name, String type) {
        return operations.computeIfAbsent(
                requestedName == null ? "" : requestedName,
                key -> new KnownOperation(name, type, KnownOperation.hash(text, requestedName)));
    }

    /** About as many as it takes in memory, which grows with its operations. */
    long bytes() {
        long sum = bytesOfParsed;
        for (KnownOperation operation : operations.values()) {
            sum += operation.bytes();
        }
        return sum;
    }
}
