package dev.userdirectory.graphql.cache;

import graphql.language.OperationDefinition.Operation;
import graphql.normalized.ExecutableNormalizedField;
import graphql.normalized.ExecutableNormalizedOperation;
import graphql.schema.GraphQLAppliedDirective;
import graphql.schema.GraphQLAppliedDirectiveArgument;
import graphql.schema.GraphQLCompositeType;
import graphql.schema.GraphQLDirectiveContainer;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How long the response to an operation may be cached, by the rules of Apollo's {@code @cacheControl}: the shortest
 * {@code maxAge} of its fields, and for one caller alone if any field is {@code PRIVATE}. A field's own directive takes
 * precedence over that of the type it returns. Without either, a root field or a field that returns objects may not be
 * cached, and any other field inherits from its parent.
 *
 * @param maxAge in seconds; 0 if the response may not be cached
 * @param isPrivate whether the response is for this caller alone, not for all callers with the same scopes
 * @see <a href="https://www.apollographql.com/docs/apollo-server/performance/caching">Server-side caching</a>
 */
public record CachePolicy(int maxAge, boolean isPrivate) {
    public static final CachePolicy NONE = new CachePolicy(0, false);

    /** Used until an operation has been executed: the strictest policy for looking up its response. */
    public static final CachePolicy UNKNOWN = new CachePolicy(Integer.MAX_VALUE, true);

    public static CachePolicy of(ExecutableNormalizedOperation operation, GraphQLSchema schema) {
        if (operation.getOperation() != Operation.QUERY) {
            return NONE;
        }
        CachePolicy policy = of(operation.getTopLevelFields(), schema, true);
        return policy.maxAge == Integer.MAX_VALUE ? NONE : policy;
    }

    private static CachePolicy of(List<ExecutableNormalizedField> fields, GraphQLSchema schema, boolean root) {
        CachePolicy policy = new CachePolicy(Integer.MAX_VALUE, false);
        for (ExecutableNormalizedField field : fields) {
            // Type names do not change while the service runs.
            if (field.getFieldName().equals("__typename")) {
                continue;
            }
            if (root && field.getFieldName().equals("_entities")) {
                policy = policy.and(ofEntities(field, schema)).and(of(field.getChildren(), schema, false));
                continue;
            }
            for (GraphQLFieldDefinition definition : field.getFieldDefinitions(schema)) {
                policy = policy.and(of(definition, root));
            }
            policy = policy.and(of(field.getChildren(), schema, false));
        }
        return policy;
    }

    /**
     * A router requests all entities through one field, which cannot have a policy for each type. So the policies of
     * the requested types apply, as in Apollo's subgraph library.
     */
    private static CachePolicy ofEntities(ExecutableNormalizedField entities, GraphQLSchema schema) {
        CachePolicy policy = new CachePolicy(Integer.MAX_VALUE, false);
        for (ExecutableNormalizedField field : entities.getChildren()) {
            for (String type : field.getObjectTypeNames()) {
                GraphQLAppliedDirective ofType = schema.getObjectType(type).getAppliedDirective("cacheControl");
                policy = policy.and(
                        new CachePolicy(maxAge(null, ofType, true, true), "PRIVATE".equals(value(ofType, "scope"))));
            }
        }
        return policy;
    }

    private static CachePolicy of(GraphQLFieldDefinition field, boolean root) {
        GraphQLType type = GraphQLTypeUtil.unwrapAll(field.getType());
        GraphQLAppliedDirective own = field.getAppliedDirective("cacheControl");
        GraphQLAppliedDirective ofType = type instanceof GraphQLDirectiveContainer container
                ? container.getAppliedDirective("cacheControl")
                : null;
        boolean isPrivate = "PRIVATE".equals(value(value(own, "scope") == null ? ofType : own, "scope"));
        return new CachePolicy(maxAge(own, ofType, root, type instanceof GraphQLCompositeType), isPrivate);
    }

    private static int maxAge(
            @Nullable GraphQLAppliedDirective own,
            @Nullable GraphQLAppliedDirective ofType,
            boolean root,
            boolean object) {
        for (GraphQLAppliedDirective directive : new GraphQLAppliedDirective[] {own, ofType}) {
            if (value(directive, "maxAge") instanceof Integer maxAge) {
                return Math.max(0, maxAge);
            }
            if (Boolean.TRUE.equals(value(directive, "inheritMaxAge"))) {
                return root ? 0 : Integer.MAX_VALUE;
            }
        }
        return root || object ? 0 : Integer.MAX_VALUE;
    }

    private CachePolicy and(CachePolicy other) {
        return new CachePolicy(Math.min(maxAge, other.maxAge), isPrivate || other.isPrivate);
    }

    private static @Nullable Object value(@Nullable GraphQLAppliedDirective directive, String name) {
        GraphQLAppliedDirectiveArgument argument = directive == null ? null : directive.getArgument(name);
        return argument == null ? null : argument.getValue();
    }
}
