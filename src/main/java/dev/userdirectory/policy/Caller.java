package dev.userdirectory.policy;

import graphql.GraphQLContext;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;

/** Who sent the operation, under its class in the GraphQL context: so it is known on any thread and any transport. */
public record Caller(boolean anonymous, String subject, Set<String> scopes) {
    private static final String SCOPE = "SCOPE_";
    private static final Caller ANONYMOUS = new Caller(true, "", Set.of());

    public static boolean isAnonymous(@Nullable Authentication authentication) {
        return authentication == null
                || authentication instanceof AnonymousAuthenticationToken
                || !authentication.isAuthenticated();
    }

    public static Caller of(@Nullable Authentication authentication) {
        if (authentication == null || isAnonymous(authentication)) {
            return ANONYMOUS;
        }
        Set<String> scopes = new HashSet<>();
        for (GrantedAuthority granted : authentication.getAuthorities()) {
            String authority = granted.getAuthority();
            if (authority != null && authority.startsWith(SCOPE)) {
                scopes.add(authority.substring(SCOPE.length()));
            }
        }
        return new Caller(false, authentication.getName(), Collections.unmodifiableSet(scopes));
    }

    /** Nobody, if nobody has been put there. */
    public static Caller of(GraphQLContext context) {
        return context.getOrDefault(Caller.class, ANONYMOUS);
    }
}
