package dev.userdirectory.token;

import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.SecurityProperties;
import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import dev.userdirectory.http.HttpError;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlCorsProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.AuthorizeHttpRequestsConfigurer.AuthorizedUrl;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer.CacheControlConfig;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.server.resource.BearerTokenError;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.header.writers.CacheControlHeadersWriter;
import org.springframework.security.web.header.writers.CrossOriginResourcePolicyHeaderWriter.CrossOriginResourcePolicy;
import org.springframework.security.web.header.writers.DelegatingRequestMatcherHeaderWriter;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.NegatedRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.util.StringUtils;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.cors.DefaultCorsProcessor;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;

/**
 * Decides which requests are let in. Requests to the GraphQL endpoint need no token here: the schema decides whether
 * one is required. Paths that are not listed here are not served.
 */
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {
    private static final String SCHEME = "Bearer";
    private static final HttpError OTHER_ORIGIN = new HttpError(
            HttpStatus.FORBIDDEN,
            "FORBIDDEN",
            "Pages of this origin may not call: see spring.graphql.cors.allowed-origins, or"
                    + " server.forward-headers-strategy if it is the service's own");
    /** The front page and its style sheet. */
    private static final String[] PAGES = {"/", "/graphiql/page.css"};

    private static final String[] GRAPHIQL = {"/graphiql", "/graphiql/**"};

    @Bean
    SecurityFilterChain securityFilterChain(
            HttpSecurity http,
            AuthenticationManager tokens,
            GraphQlProperties graphQl,
            GraphQlCorsProperties cors,
            SecurityProperties security,
            DeniedAccess denied) {
        BearerTokenAuthenticationConverter converter = new BearerTokenAuthenticationConverter();
        converter.setBearerTokenResolver(request -> {
            try {
                return token(request);
            } catch (OAuth2AuthenticationException e) {
                denied.count(DeniedAccess.Reason.BAD_TOKEN);
                throw e;
            }
        });
        BearerTokenAuthenticationFilter bearer = new BearerTokenAuthenticationFilter(tokens, converter);
        bearer.setAuthenticationEntryPoint(SecurityConfiguration::unauthenticated);
        CorsFilter origins = new CorsFilter(cors(graphQl, cors));
        origins.setCorsProcessor(new DefaultCorsProcessor() {
            @Override
            protected void rejectRequest(ServerHttpResponse response) throws IOException {
                OTHER_ORIGIN.writeTo(response);
            }
        });
        return http.addFilter(bearer)
                .addFilter(origins)
                .authorizeHttpRequests(requests -> {
                    requests.dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.ASYNC)
                            .permitAll();
                    // Nothing is served at the path with a trailing slash: a client that uses it gets a 404, not a 401.
                    String path = graphQl.getHttp().getPath();
                    requests.requestMatchers(path, path + "/").permitAll();
                    requests.requestMatchers(PAGES).permitAll();
                    if (security.graphiql()) {
                        requests.requestMatchers(GRAPHIQL).permitAll();
                    }
                    allow(requests.requestMatchers("/schema.graphqls"), security.serviceSdl());
                    requests.requestMatchers(EndpointRequest.to(HealthEndpoint.class))
                            .permitAll();
                    requests.requestMatchers(EndpointRequest.toAnyEndpoint())
                            .hasAuthority("SCOPE_" + security.actuatorScope());
                    requests.anyRequest().denyAll();
                })
                .exceptionHandling(errors -> errors.authenticationEntryPoint(SecurityConfiguration::unauthenticated)
                        .accessDeniedHandler(forbidden(security.actuatorScope())))
                .cors(AbstractHttpConfigurer::disable)
                .headers(headers -> headers.contentSecurityPolicy(
                                csp -> csp.policyDirectives("default-src 'none'; frame-ancestors 'none'"))
                        // The schema decides how long a GraphQL response may be cached.
                        .cacheControl(CacheControlConfig::disable)
                        .addHeaderWriter(new DelegatingRequestMatcherHeaderWriter(
                                new NegatedRequestMatcher(PathPatternRequestMatcher.pathPattern(
                                        graphQl.getHttp().getPath())),
                                new CacheControlHeadersWriter()))
                        .referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.NO_REFERRER))
                        .crossOriginResourcePolicy(policy -> policy.policy(CrossOriginResourcePolicy.SAME_ORIGIN)))
                // The caller is in a header that no browser sends by itself: there is nothing to forge, and no session.
                .csrf(AbstractHttpConfigurer::disable)
                .sessionManagement(AbstractHttpConfigurer::disable)
                .securityContext(
                        context -> context.securityContextRepository(new RequestAttributeSecurityContextRepository()))
                .requestCache(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .build();
    }

    /** Tomcat has already rejected malformed headers; matching each again, every time one is read, would be slow. */
    @Bean
    StrictHttpFirewall firewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        // HttpEndpoint and Spring MVC reject other methods, and say which ones are allowed.
        firewall.setUnsafeAllowAnyHttpMethod(true);
        firewall.setAllowedHeaderNames(name -> true);
        firewall.setAllowedHeaderValues(value -> true);
        return firewall;
    }

    /** Observing each filter and each decision would cost much for every request and reveal little. */
    @Bean
    SecurityObservationSettings securityObservations() {
        return SecurityObservationSettings.noObservations();
    }

    /** Follows RFC 6750 2.1 as Spring does, but checks each character, since Spring's regular expression is slow. */
    private static @Nullable String token(HttpServletRequest request) {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (!StringUtils.startsWithIgnoreCase(authorization, SCHEME)) {
            return null;
        }
        int start = SCHEME.length();
        while (start < authorization.length() && authorization.charAt(start) == ' ') {
            start++;
        }
        String token = start == SCHEME.length() ? "" : authorization.substring(start);
        String withoutPadding = StringUtils.trimTrailingCharacter(token, '=');
        if (withoutPadding.isEmpty() || !hasOnlyTokenCharacters(withoutPadding)) {
            throw new OAuth2AuthenticationException(BearerTokenErrors.invalidToken("Bearer token is malformed"));
        }
        return token;
    }

    private static boolean hasOnlyTokenCharacters(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!isTokenCharacter(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isTokenCharacter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "-._~+/".indexOf(c) >= 0;
    }

    private static void allow(AuthorizedUrl url, Access access) {
        switch (access) {
            case OPEN -> url.permitAll();
            case TOKEN -> url.authenticated();
            case OFF -> url.denyAll();
        }
    }

    /** Rejects other origins unless {@code spring.graphql.cors} allows them, for WebSockets as well. */
    private static CorsConfigurationSource cors(GraphQlProperties graphQl, GraphQlCorsProperties properties) {
        UrlBasedCorsConfigurationSource source = new UrlBasedCorsConfigurationSource();
        CorsConfiguration configuration = properties.toCorsConfiguration();
        source.registerCorsConfiguration(
                graphQl.getHttp().getPath(), configuration == null ? new CorsConfiguration() : configuration);
        return source;
    }

    /** RFC 6750 3: the response to a request without a token says no more than that it needs one. */
    private static void unauthenticated(
            HttpServletRequest request, HttpServletResponse response, AuthenticationException exception)
            throws IOException {
        if (!(exception instanceof OAuth2AuthenticationException tokenException)) {
            response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
            new HttpError(HttpStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Unauthorized").writeTo(request, response);
            return;
        }
        OAuth2Error error = tokenException.getError();
        String message = Objects.requireNonNullElse(error.getDescription(), "Unauthorized");
        if (error instanceof BearerTokenError tokenError
                && tokenError.getHttpStatus().is5xxServerError()) {
            response.setHeader(HttpHeaders.RETRY_AFTER, String.valueOf(IssuerKeys.ASK_INTERVAL.toSeconds()));
            new HttpError(tokenError.getHttpStatus(), "UNAVAILABLE", message).writeTo(request, response);
            return;
        }
        response.setHeader(
                HttpHeaders.WWW_AUTHENTICATE,
                "Bearer error=\"%s\", error_description=\"%s\"".formatted(error.getErrorCode(), message));
        new HttpError(HttpStatus.UNAUTHORIZED, "UNAUTHENTICATED", message).writeTo(request, response);
    }

    private static AccessDeniedHandler forbidden(String actuatorScope) {
        RequestMatcher actuator = EndpointRequest.toAnyEndpoint();
        return (request, response, exception) -> {
            if (!actuator.matches(request)) {
                // All other paths are denied because they are not served.
                HttpError.of(HttpStatus.NOT_FOUND.value()).writeTo(request, response);
                return;
            }
            response.setHeader(
                    HttpHeaders.WWW_AUTHENTICATE,
                    "Bearer error=\"insufficient_scope\", scope=\"%s\"".formatted(actuatorScope));
            new HttpError(HttpStatus.FORBIDDEN, "FORBIDDEN", "Needs the scope `" + actuatorScope + "`")
                    .writeTo(request, response);
        };
    }
}
