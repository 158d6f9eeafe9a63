package dev.userdirectory.token;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.http.HttpError;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.util.matcher.RequestMatcher;

/** Answers the requests that Spring Security rejects (RFC 6750 3). */
final class AccessErrors implements AuthenticationEntryPoint, AccessDeniedHandler {
    private static final HttpError NO_TOKEN = unauthenticated("Unauthorized", "Bearer");

    private final Map<RequestMatcher, String> scopes;

    /** @param scopes the scopes that paths require */
    AccessErrors(Map<RequestMatcher, String> scopes) {
        this.scopes = scopes;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException exception)
            throws IOException {
        error(exception).writeTo(request, response);
    }

    /** The error for a request without a token says only that it needs one. */
    private static HttpError error(AuthenticationException exception) {
        if (!(exception instanceof OAuth2AuthenticationException tokenException)) {
            return NO_TOKEN;
        }
        OAuth2Error error = tokenException.getError();
        String message = Objects.requireNonNullElse(error.getDescription(), "Unauthorized");
        return error instanceof BearerTokenError tokenError
                        && tokenError.getHttpStatus().is5xxServerError()
                ? new HttpError(ErrorCode.UNAVAILABLE, message)
                        .with(HttpHeaders.RETRY_AFTER, String.valueOf(IssuerKeys.ASK_INTERVAL.toSeconds()))
                : unauthenticated(
                        message,
                        "Bearer error=\"%s\", error_description=\"%s\"".formatted(error.getErrorCode(), message));
    }

    private static HttpError unauthenticated(String message, String challenge) {
        return new HttpError(ErrorCode.UNAUTHENTICATED, message).with(HttpHeaders.WWW_AUTHENTICATE, challenge);
    }

    /** Paths that need no scope are denied because they are not served. */
    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException exception)
            throws IOException {
        scopes.entrySet().stream()
                .filter(path -> path.getKey().matches(request))
                .findFirst()
                .map(path -> withoutScope(path.getValue()))
                .orElse(HttpError.of(HttpStatus.NOT_FOUND.value()))
                .writeTo(request, response);
    }

    private static HttpError withoutScope(String scope) {
        return new HttpError(ErrorCode.FORBIDDEN, "Needs the scope `" + scope + "`")
                .with(
                        HttpHeaders.WWW_AUTHENTICATE,
                        "Bearer error=\"insufficient_scope\", scope=\"%s\"".formatted(scope));
    }
}
