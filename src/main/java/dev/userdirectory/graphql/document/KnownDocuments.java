package dev.userdirectory.graphql.document;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.cache.CachePolicy;
import dev.userdirectory.graphql.limit.Cost;
import dev.userdirectory.graphql.limit.LimitExceeded;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.graphql.operation.Operation;
import graphql.ExecutionInput;
import graphql.execution.ExecutionContext;
import graphql.execution.preparsed.PreparsedDocumentEntry;
import graphql.execution.preparsed.PreparsedDocumentProvider;
import graphql.language.OperationDefinition;
import graphql.normalized.ExecutableNormalizedOperation;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Caches the documents in use, so that each is parsed, validated and priced once. The least used are evicted first.
 * DGS's own cache limits the number of documents but not their length.
 */
@Component
public class KnownDocuments implements PreparsedDocumentProvider {
    /** One operation may take up at most the memory divided by this number, however many forms its variables have. */
    private static final int OPERATIONS = 32;

    private final Cache<String, KnownDocument> documents;
    private final long bytesOfOperation;
    private final int defaultListSize;

    KnownDocuments(MemoryProperties memory, Limits limits) {
        long budget = memory.documents().toBytes();
        documents = Caffeine.newBuilder()
                .maximumWeight(budget)
                .<String, KnownDocument>weigher((text, document) -> Weight.sum(Weight.ENTRY + document.bytes()))
                // Waking another thread costs more than the maintenance.
                .executor(Runnable::run)
                .build();
        bytesOfOperation = budget / OPERATIONS;
        defaultListSize = limits.listSize();
    }

    /** Sets {@link Operation#document} and {@link Operation#known} if they are cached. */
    public void find(String document, @Nullable String operationName, Operation operation) {
        KnownDocument known = documents.getIfPresent(document);
        if (known != null) {
            operation.document = known;
            operation.known = known.operation(operationName);
        }
    }

    @Override
    public CompletableFuture<PreparsedDocumentEntry> getDocumentAsync(
            ExecutionInput input, Function<ExecutionInput, PreparsedDocumentEntry> parseAndValidate) {
        Operation operation = Operation.of(input.getGraphQLContext());
        KnownDocument known = operation.document;
        if (known != null) {
            return CompletableFuture.completedFuture(known.parsed());
        }
        PreparsedDocumentEntry entry = parse(input, parseAndValidate);
        if (!entry.hasErrors()) {
            known = new KnownDocument(input.getQuery(), entry);
            operation.document = known;
            documents.put(known.text(), known);
        }
        return CompletableFuture.completedFuture(entry);
    }

    /** Reports exponents that are too large for {@link java.math.BigDecimal}, for which graphql-java has no error. */
    private static PreparsedDocumentEntry parse(
            ExecutionInput input, Function<ExecutionInput, PreparsedDocumentEntry> parseAndValidate) {
        try {
            return parseAndValidate.apply(input);
        } catch (NumberFormatException e) {
            throw LimitExceeded.abort(TypedGraphQLError.newBuilder()
                    .errorType(ErrorType.BAD_REQUEST)
                    .message("Syntax error: the exponent of a number is too large")
                    .extensions(ErrorCode.GRAPHQL_PARSE_FAILED.extensions())
                    .build());
        }
    }

    /** Sets {@link Operation#known} and {@link Operation#shape} of an operation that is about to be executed. */
    public KnownOperation.Shape begin(Operation operation, ExecutionContext context) {
        KnownDocument document = Objects.requireNonNull(operation.document);
        KnownOperation known = operation.known;
        if (known == null) {
            OperationDefinition definition = context.getOperationDefinition();
            known = document.add(
                    context.getExecutionInput().getOperationName(),
                    definition.getName(),
                    definition.getOperation().name().toLowerCase(Locale.ROOT));
            operation.known = known;
        }
        Object form = KnownOperation.form(context.getCoercedVariables().toMap());
        KnownOperation.Shape shape = known.shape(form);
        if (shape == null) {
            ExecutableNormalizedOperation normalized =
                    context.getNormalizedQueryTree().get();
            shape = new KnownOperation.Shape(
                    Cost.of(normalized, context.getGraphQLSchema(), defaultListSize),
                    CachePolicy.of(normalized, context.getGraphQLSchema()));
            known.add(form, shape, bytesOfOperation);
            documents.put(document.text(), document); // weighs it again
        }
        boolean hasKeyInHeader =
                operation.idempotencyKey != null && known.type().equals("mutation");
        KnownOperation.Shape priced =
                hasKeyInHeader ? new KnownOperation.Shape(shape.cost() + Cost.KEY, shape.policy()) : shape;
        operation.shape = priced;
        return priced;
    }
}
