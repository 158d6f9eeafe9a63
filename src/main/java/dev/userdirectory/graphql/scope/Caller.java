package dev.userdirectory.graphql.scope;

import dev.userdirectory.database.Actor;
import dev.userdirectory.input.Characters;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.oauth2.jwt.Jwt;

/**
 * The sender of an operation.
 *
 * @param subject the subject of the token; empty if it has none, or if there is no token
 * @param account the key for everything that is shared fairly between callers: the subject of the token, or the network
 *     address of a caller without one
 * @param token the verified token; null if there is none
 */
public record Caller(
        boolean anonymous,
        String subject,
        Set<String> scopes,
        String account,
        @Nullable Jwt token) {
    private static final String SCOPE = "SCOPE_";
    /** The placeholder until the caller is known. */
    public static final Caller NOBODY = new Caller(true, "", Set.of());
    /** An IPv6 client can choose the other bytes of its address itself. */
    private static final int IPV6_NETWORK_BYTES = 8;
    /** The maximum length of a subject in OpenID Connect. */
    private static final int ACTOR_LENGTH = 255;

    public Caller(boolean anonymous, String subject, Set<String> scopes) {
        this(anonymous, subject, scopes, subject, null);
    }

    public static boolean isAnonymous(@Nullable Authentication authentication) {
        return authentication == null
                || authentication instanceof AnonymousAuthenticationToken
                || !authentication.isAuthenticated();
    }

    public static Caller of(@Nullable Authentication authentication) {
        return of(authentication, null);
    }

    static Caller of(@Nullable Authentication authentication, @Nullable InetSocketAddress address) {
        if (authentication == null || isAnonymous(authentication)) {
            return new Caller(true, "", Set.of(), account(authentication, address), null);
        }
        Set<String> scopes = new HashSet<>();
        for (GrantedAuthority granted : authentication.getAuthorities()) {
            String authority = granted.getAuthority();
            if (authority != null && authority.startsWith(SCOPE)) {
                scopes.add(authority.substring(SCOPE.length()));
            }
        }
        // The name is null if the token has no subject, although the interface does not allow that.
        String subject = Objects.requireNonNullElse(authentication.getName(), "");
        Jwt token = authentication.getPrincipal() instanceof Jwt jwt ? jwt : null;
        return new Caller(false, subject, Collections.unmodifiableSet(scopes), subject, token);
    }

    private static String account(@Nullable Authentication authentication, @Nullable InetSocketAddress address) {
        return authentication != null && !isAnonymous(authentication)
                ? Objects.requireNonNullElse(authentication.getName(), "")
                : "anonymous " + (address == null ? "" : network(address.getHostString()));
    }

    /** Returns the address, or for IPv6 the network in which a client can choose its address. */
    public static String network(String address) {
        if (address.indexOf(':') < 0) {
            return address;
        }
        try {
            byte[] bytes = InetAddress.ofLiteral(address).getAddress();
            return HexFormat.of().formatHex(bytes, 0, Math.min(bytes.length, IPV6_NETWORK_BYTES));
        } catch (IllegalArgumentException e) {
            return address;
        }
    }

    /** Whether this caller can be distinguished from all others. All anonymous callers count as one. */
    public boolean isIdentified() {
        return anonymous || !subject.isEmpty();
    }

    /** A claim of the token; empty if it is missing, or of another type. */
    public <T> Optional<T> claim(String name, Class<T> type) {
        return token == null
                ? Optional.empty()
                : Optional.ofNullable(token.getClaims().get(name))
                        .filter(type::isInstance)
                        .map(type::cast);
    }

    /** The actor in the events of this caller's changes; null if the caller has no subject. */
    public @Nullable Actor actor() {
        return subject.isEmpty()
                ? null
                : new Actor(storable(subject), client().map(Caller::storable).orElse(null));
    }

    /** The client that the token was issued to, if the token names one. */
    private Optional<String> client() {
        return Stream.of("azp", "client_id")
                .flatMap(name -> claim(name, String.class).stream())
                .filter(client -> !client.isEmpty())
                .findFirst();
    }

    /** Truncates the text, and replaces characters that PostgreSQL cannot store. */
    private static String storable(String text) {
        int[] characters = text.codePoints()
                .map(c -> Characters.isControl(c) ? '\ufffd' : c)
                .limit(ACTOR_LENGTH + 1)
                .toArray();
        return characters.length <= ACTOR_LENGTH
                ? new String(characters, 0, characters.length)
                : new String(characters, 0, ACTOR_LENGTH - 1) + '…';
    }
}
