package dev.userdirectory.policy;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import graphql.ExecutionInput;
import graphql.execution.preparsed.PreparsedDocumentEntry;
import graphql.execution.preparsed.PreparsedDocumentProvider;
import graphql.language.Field;
import graphql.language.Node;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.springframework.stereotype.Component;

/**
 * Documents that were parsed, held to the limits and found valid before, the least used forgotten first. DGS's own cache
 * counts documents, however long they are.
 */
@Component
class ParsedDocuments implements PreparsedDocumentProvider {
    /** With its place in the document, its name and its list of children. */
    private static final int NODE = 140;
    /** How it is completed, for each of the types that it can be a field of. */
    private static final int COMPLETION = 450;

    private final Cache<String, PreparsedDocumentEntry> valid;

    ParsedDocuments(MemoryProperties memory) {
        valid = Caffeine.newBuilder()
                .maximumWeight(memory.documents().toBytes())
                .<String, PreparsedDocumentEntry>weigher((document, parsed) ->
                        Weight.sum(Weight.ENTRY + 2 * Weight.of(document) + bytes(parsed.getDocument())))
                .build();
    }

    private static long bytes(Node<?> node) {
        long sum = node instanceof Field ? NODE + COMPLETION : NODE;
        for (Node<?> child : node.getChildren()) {
            sum += bytes(child);
        }
        return sum;
    }

    @Override
    public CompletableFuture<PreparsedDocumentEntry> getDocumentAsync(
            ExecutionInput input, Function<ExecutionInput, PreparsedDocumentEntry> parseAndValidate) {
        PreparsedDocumentEntry entry = valid.getIfPresent(input.getQuery());
        if (entry == null) {
            entry = parse(input, parseAndValidate);
            if (!entry.hasErrors()) {
                valid.put(input.getQuery(), entry);
            }
        }
        return CompletableFuture.completedFuture(entry);
    }

    /** graphql-java foresees no exponent that {@link java.math.BigDecimal} has no room for. */
    private static PreparsedDocumentEntry parse(
            ExecutionInput input, Function<ExecutionInput, PreparsedDocumentEntry> parseAndValidate) {
        try {
            return parseAndValidate.apply(input);
        } catch (NumberFormatException e) {
            throw LimitExceeded.abort(TypedGraphQLError.newBuilder()
                    .errorType(ErrorType.BAD_REQUEST)
                    .message("Syntax error: the exponent of a number is too large")
                    .extensions(Map.of("code", "GRAPHQL_PARSE_FAILED"))
                    .build());
        }
    }
}
