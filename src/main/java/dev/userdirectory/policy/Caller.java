package dev.userdirectory.policy;

import graphql.GraphQLContext;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;

/** Who sent the operation, under its class in the GraphQL context: so it is known on any thread and any transport. */
public record Caller(boolean anonymous, String subject, Set<String> scopes) {
    private static final String SCOPE = "SCOPE_";
    private static final Caller ANONYMOUS = new Caller(true, "", Set.of());

    public static Caller of(@Nullable Authentication authentication) {
        if (authentication == null
                || authentication instanceof AnonymousAuthenticationToken
                || !authentication.isAuthenticated()) {
            return ANONYMOUS;
        }
        return new Caller(
                false,
                authentication.getName(),
                authentication.getAuthorities().stream()
                        .map(GrantedAuthority::getAuthority)
                        .filter(authority -> authority != null && authority.startsWith(SCOPE))
                        .map(authority -> authority.substring(SCOPE.length()))
                        .collect(Collectors.toUnmodifiableSet()));
    }

    /** Nobody, if nobody has been put there. */
    public static Caller of(GraphQLContext context) {
        return context.getOrDefault(Caller.class, ANONYMOUS);
    }
}
