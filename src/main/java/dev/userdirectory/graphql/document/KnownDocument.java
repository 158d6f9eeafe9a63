package dev.userdirectory.graphql.document;

import dev.userdirectory.graphql.limit.Weight;
import graphql.execution.preparsed.PreparsedDocumentEntry;
import graphql.language.Field;
import graphql.language.Node;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A parsed and valid document within the limits, with everything learned from its executions. */
public final class KnownDocument {
    /** Bytes of a syntax node with its location, its name and its list of children. */
    private static final int NODE = 140;
    /** Bytes of the analysis of how a field is completed, for each type that the field can belong to. */
    private static final int COMPLETION = 450;

    private final String text;
    private final PreparsedDocumentEntry parsed;
    private final long bytesOfParsed;
    /** Keyed by the operation name in the request, which is empty if the request has none. */
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

    /** An estimate of the memory of the document, which grows with its operations. */
    long bytes() {
        long sum = bytesOfParsed;
        for (KnownOperation operation : operations.values()) {
            sum += operation.bytes();
        }
        return sum;
    }
}
