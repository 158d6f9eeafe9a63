package dev.userdirectory.graphql.federation;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsFederationResolver;
import com.netflix.graphql.dgs.internal.EntityFetcherRegistry;
import dev.userdirectory.input.BadUserInput;
import graphql.execution.DataFetcherExceptionHandler;
import graphql.execution.DataFetcherExceptionHandlerParameters;
import graphql.execution.DataFetcherResult;
import graphql.execution.ExecutionStepInfo;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.DataFetchingEnvironmentImpl;
import graphql.schema.TypeResolver;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import kotlin.Pair;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationContext;
import org.springframework.util.ReflectionUtils;

/**
 * Resolves {@code _entities}, each representation separately: a malformed one becomes null, with an error at its index.
 * All lookups begin before any is awaited, so entity fetchers that use a data loader share its statement. Equal
 * representations with nothing but a key of users or groups are resolved once.
 */
@DgsComponent
class EntityResolver implements DgsFederationResolver {
    private static final String ARGUMENT = "representations";
    private static final int MAX_REPRESENTATIONS = 1000;

    private final EntityFetcherRegistry registry;
    private final DataFetcherExceptionHandler exceptionHandler;
    private final ApplicationContext context;

    EntityResolver(
            EntityFetcherRegistry registry, DataFetcherExceptionHandler exceptionHandler, ApplicationContext context) {
        this.registry = registry;
        this.exceptionHandler = exceptionHandler;
        this.context = context;
    }

    @Override
    public DataFetcher<Object> entitiesFetcher() {
        return this::fetchAll;
    }

    /** The class of an entity has the same name as its type. */
    @Override
    public TypeResolver typeResolver() {
        return env ->
                env.getSchema().getObjectType(env.<Object>getObject().getClass().getSimpleName());
    }

    private CompletableFuture<List<@Nullable Object>> fetchAll(DataFetchingEnvironment env) {
        List<Object> representations = env.getArgumentOrDefault(ARGUMENT, List.of());
        if (representations.size() > MAX_REPRESENTATIONS) {
            throw new BadUserInput(
                    ARGUMENT,
                    String.format(
                            Locale.ROOT,
                            "has at most %,d representations, not %,d.",
                            MAX_REPRESENTATIONS,
                            representations.size()));
        }
        DgsDataFetchingEnvironment ofFetchers = new DgsDataFetchingEnvironment(env, context);
        Map<String, CompletableFuture<@Nullable Object>> fetched = HashMap.newHashMap(representations.size());
        List<CompletableFuture<@Nullable Object>> entities = IntStream.range(0, representations.size())
                .mapToObj(i -> fetch(i, representations.get(i), fetched, ofFetchers))
                .toList();
        return CompletableFuture.allOf(entities.toArray(CompletableFuture[]::new))
                .thenApply(
                        done -> entities.stream().map(CompletableFuture::join).toList());
    }

    private CompletableFuture<@Nullable Object> fetch(
            int index,
            Object representation,
            Map<String, CompletableFuture<@Nullable Object>> fetched,
            DgsDataFetchingEnvironment env) {
        String key = Representation.key(representation);
        CompletableFuture<@Nullable Object> entity = key == null
                ? fetch(representation, env)
                : fetched.computeIfAbsent(key, same -> fetch(representation, env));
        return entity.handle((value, exception) -> exception == null ? value : failure(exception, index, env.getDfe()));
    }

    /** Every failure completes the future, even an exception that is thrown at once. */
    private CompletableFuture<@Nullable Object> fetch(Object representation, DgsDataFetchingEnvironment env) {
        try {
            return fetchNow(representation, env);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @SuppressWarnings("unchecked")
    private CompletableFuture<@Nullable Object> fetchNow(Object representation, DgsDataFetchingEnvironment env) {
        Object typeName = representation instanceof Map<?, ?> fields ? fields.get("__typename") : null;
        Pair<Object, Method> fetcher = registry.getEntityFetchers().get(typeName);
        if (fetcher == null) {
            throw new BadUserInput(
                    "__typename",
                    "must be one of "
                            + new TreeSet<>(registry.getEntityFetchers().keySet()) + ".");
        }
        Object entity = ReflectionUtils.invokeMethod(fetcher.getSecond(), fetcher.getFirst(), representation, env);
        return entity instanceof CompletionStage<?> later
                ? (CompletableFuture<@Nullable Object>) later.toCompletableFuture()
                : CompletableFuture.completedFuture(entity);
    }

    private DataFetcherResult<Object> failure(Throwable exception, int index, DataFetchingEnvironment env) {
        return DataFetcherResult.newResult()
                .errors(exceptionHandler
                        .handleException(DataFetcherExceptionHandlerParameters.newExceptionParameters()
                                .dataFetchingEnvironment(at(index, env))
                                .exception(
                                        exception instanceof BadUserInput bad
                                                ? bad.within(ARGUMENT + "." + index)
                                                : exception)
                                .build())
                        .join()
                        .getErrors())
                .build();
    }

    /** The environment for one representation, so that its errors have the path of its index. */
    private static DataFetchingEnvironment at(int index, DataFetchingEnvironment env) {
        ExecutionStepInfo field = env.getExecutionStepInfo();
        return DataFetchingEnvironmentImpl.newDataFetchingEnvironment(env)
                .executionStepInfo(
                        field.transform(step -> step.path(field.getPath().segment(index))))
                .build();
    }
}
