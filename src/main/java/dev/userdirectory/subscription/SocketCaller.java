package dev.userdirectory.subscription;

import dev.userdirectory.graphql.scope.Caller;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.web.socket.WebSocketSession;
import reactor.core.Disposable;
import reactor.core.Disposables;
import tools.jackson.databind.JsonNode;

/**
 * The caller of a socket, identified by the token in {@code connection_init} or, if that has none, in the handshake.
 */
final class SocketCaller {
    private static final String BEARER = "Bearer ";

    private final WebSocketSession session;
    private final AuthenticationManager tokens;
    private final Admission admission;
    private final Disposable place;
    /** Counts the socket for its network address and, once it has sent a token, for the token's subject. */
    private final Disposable.Swap placeOfClient = Disposables.swap();

    private volatile @Nullable Authentication current;

    /** @throws LimitReached if too many sockets are open, or too many without a token from the same network address */
    SocketCaller(WebSocketSession session, AuthenticationManager tokens, Admission admission) {
        this.session = session;
        this.tokens = tokens;
        this.admission = admission;
        place = admission.connection();
        try {
            countFor(null);
        } catch (LimitReached e) {
            place.dispose();
            throw e;
        }
    }

    private void countFor(@Nullable Authentication authentication) {
        placeOfClient.update(admission.connectionOf(Admission.client(authentication, session.getRemoteAddress())));
    }

    boolean isInitialized() {
        return current != null;
    }

    Authentication authentication() {
        Authentication authentication = current;
        if (authentication == null) {
            throw SocketError.withoutToken("Unauthorized");
        }
        return authentication;
    }

    Authentication initialize(JsonNode payload) {
        if (current != null) {
            throw new SocketError(4429, "Too many initialisation requests");
        }
        Authentication authentication = hasToken(payload) ? authenticate(payload) : ofHandshake();
        try {
            countFor(authentication);
        } catch (LimitReached e) {
            throw SocketError.overload(String.valueOf(e.getMessage()));
        }
        current = authentication;
        return authentication;
    }

    /**
     * Replaces the token. The new one must have the old subject and at least the old scopes, since the open
     * subscriptions continue with the rights they began with.
     */
    Authentication renew(JsonNode payload) {
        Authentication fresh = authenticate(payload);
        Authentication old = authentication();
        if (!fresh.getName().equals(old.getName())
                || !Caller.of(fresh).scopes().containsAll(Caller.of(old).scopes())) {
            throw new SocketError(4403, "The new token must be of the same subject, with the scopes of the old");
        }
        current = fresh;
        return fresh;
    }

    private Authentication ofHandshake() {
        if (session.getPrincipal() instanceof Authentication authentication
                && !(authentication instanceof AnonymousAuthenticationToken)) {
            return authentication;
        }
        throw SocketError.withoutToken("Unauthorized");
    }

    private Authentication authenticate(JsonNode payload) {
        String authorization = authorization(payload).asString("");
        if (!authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
                || authorization.substring(BEARER.length()).isBlank()) {
            throw SocketError.withoutToken("Authorization must be Bearer and a token");
        }
        try {
            return tokens.authenticate(new BearerTokenAuthenticationToken(
                    authorization.substring(BEARER.length()).strip()));
        } catch (OAuth2AuthenticationException e) {
            String reason = String.valueOf(e.getError().getDescription());
            throw e.getError() instanceof BearerTokenError error
                            && error.getHttpStatus().is5xxServerError()
                    ? SocketError.overload(reason)
                    : SocketError.unauthorized(reason);
        } catch (AuthenticationException e) {
            throw SocketError.unauthorized("Unauthorized");
        }
    }

    static boolean hasToken(JsonNode payload) {
        JsonNode authorization = authorization(payload);
        return !authorization.isMissingNode() && !authorization.isNull();
    }

    private static JsonNode authorization(JsonNode payload) {
        return payload.path(payload.has("Authorization") ? "Authorization" : "authorization");
    }

    void release() {
        place.dispose();
        placeOfClient.dispose();
    }
}
