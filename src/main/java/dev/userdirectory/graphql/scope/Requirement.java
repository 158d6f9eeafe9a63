package dev.userdirectory.graphql.scope;

import com.netflix.graphql.types.errors.ErrorType;
import com.netflix.graphql.types.errors.TypedGraphQLError;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.operation.Operation;
import graphql.schema.DataFetchingEnvironment;
import graphql.schema.GraphQLAppliedDirective;
import graphql.schema.GraphQLDirectiveContainer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The requirement of a schema element: the caller's token must have every scope of at least one of these sets.
 *
 * @param anyOf a single empty set for {@code @authenticated}
 */
public record Requirement(List<Set<String>> anyOf) {
    static final Requirement AUTHENTICATED = new Requirement(List.of(Set.of()));
    /** The suffix of scopes that give access only to the caller's own user, such as {@code users:self}. */
    private static final String SELF = ":self";

    /** Reads the directives of Apollo Federation, by their imported or their prefixed names. */
    static Optional<Requirement> of(GraphQLDirectiveContainer element) {
        Optional<GraphQLAppliedDirective> scopes = directive(element, "requiresScopes");
        if (scopes.isPresent()) {
            List<List<String>> value = scopes.get().getArgument("scopes").getValue();
            return Optional.of(new Requirement(value.stream().map(Set::copyOf).toList()));
        }
        return directive(element, "authenticated").map(directive -> AUTHENTICATED);
    }

    private static Optional<GraphQLAppliedDirective> directive(GraphQLDirectiveContainer element, String name) {
        return element.getAppliedDirectives().stream()
                .filter(directive ->
                        directive.getName().equals(name) || directive.getName().equals("federation__" + name))
                .findFirst();
    }

    /** Whether a scope that gives access only to the caller's own user is enough. */
    boolean acceptsSelf() {
        return anyOf.stream().anyMatch(Requirement::isOfSelf);
    }

    /** The same requirement without the sets that give access only to the caller's own user. */
    Requirement withoutSelf() {
        return new Requirement(
                anyOf.stream().filter(scopes -> !isOfSelf(scopes)).toList());
    }

    private static boolean isOfSelf(Set<String> scopes) {
        return scopes.stream().anyMatch(scope -> scope.endsWith(SELF));
    }

    boolean isMetBy(Caller caller) {
        if (caller.anonymous()) {
            return false;
        }
        for (Set<String> scopes : anyOf) {
            if (caller.scopes().containsAll(scopes)) {
                return true;
            }
        }
        return false;
    }

    /** @throws Refused if the caller does not meet the requirement */
    void check(DataFetchingEnvironment env) {
        Caller caller = Operation.of(env.getGraphQlContext()).caller;
        if (caller.anonymous()) {
            throw refused(env, ErrorType.UNAUTHENTICATED, "Unauthorized", ErrorCode.UNAUTHENTICATED.extensions());
        }
        if (isMetBy(caller)) {
            return;
        }
        throw refused(
                env,
                ErrorType.PERMISSION_DENIED,
                "Needs the scope " + this,
                ErrorCode.FORBIDDEN.extensions(Map.of("requiredScopes", anyOf)));
    }

    static Refused refused(
            DataFetchingEnvironment env, ErrorType type, String message, Map<String, Object> extensions) {
        return new Refused(TypedGraphQLError.newBuilder()
                .errorType(type)
                .message(message)
                .path(env.getExecutionStepInfo().getPath())
                .location(env.getField().getSourceLocation())
                .extensions(extensions)
                .build());
    }

    @Override
    public String toString() {
        return anyOf.stream()
                .map(scopes ->
                        scopes.stream().sorted().map(scope -> "`" + scope + "`").collect(Collectors.joining(" and ")))
                .collect(Collectors.joining(", or "));
    }
}
