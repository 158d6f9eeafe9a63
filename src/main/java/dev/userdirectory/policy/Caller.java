package dev.userdirectory.policy;

import graphql.GraphQLContext;
import java.util.Collections;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;

/**
 * Who sent the operation, under its class in the GraphQL context: so it is known on any thread and any transport.
 *
 * @param subject of the token; empty if it has none, or if there is no token
 */
public record Caller(boolean anonymous, String subject, Set<String> scopes) {
    private static final String SCOPE = "SCOPE_";
    private static final Caller ANONYMOUS = new Caller(true, "", Set.of());

    public static Caller of(@Nullable Authentication authentication) {
        if (authentication == null
                || authentication instanceof AnonymousAuthenticationToken
                || !authentication.isAuthenticated()) {
            return ANONYMOUS;
        }
        Set<String> scopes = new HashSet<>();
        for (GrantedAuthority granted : authentication.getAuthorities()) {
            String authority = granted.getAuthority();
            if (authority != null && authority.startsWith(SCOPE)) {
                scopes.add(authority.substring(SCOPE.length()));
            }
        }
        // Null if the token has no subject, whatever the interface says.
        String subject = Objects.requireNonNullElse(authentication.getName(), "");
        return new Caller(false, subject, Collections.unmodifiableSet(scopes));
    }

    /** Nobody, if nobody has been put there. */
    public static Caller of(GraphQLContext context) {
        return context.getOrDefault(Caller.class, ANONYMOUS);
    }

    /** Whether this caller can be told from every other one; all anonymous callers count as one. */
    public boolean isIdentified() {
        return anonymous || !subject.isEmpty();
    }
}
