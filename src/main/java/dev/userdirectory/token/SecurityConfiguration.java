package dev.userdirectory.token;

import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.SecurityProperties;
import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.graphql.autoconfigure.GraphQlCorsProperties;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.annotation.web.configurers.AuthorizeHttpRequestsConfigurer.AuthorizedUrl;
import org.springframework.security.config.annotation.web.configurers.HeadersConfigurer.CacheControlConfig;
import org.springframework.security.config.observation.SecurityObservationSettings;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.header.writers.CacheControlHeadersWriter;
import org.springframework.security.web.header.writers.CrossOriginResourcePolicyHeaderWriter.CrossOriginResourcePolicy;
import org.springframework.security.web.header.writers.DelegatingRequestMatcherHeaderWriter;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.NegatedRequestMatcher;
import org.springframework.util.StringUtils;

/**
 * Decides which requests are admitted. Requests to the GraphQL endpoint need no token here: the schema decides whether
 * one is required. Paths that are not listed here are not served.
 */
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {
    private static final String BEARER = "Bearer";
    /** The front page, its style sheet and its script. */
    private static final String[] PAGES = {"/", "/graphiql/page.css", "/graphiql/front.js"};

    private static final String EXPORT = "/export";
    private static final String EXPORT_SCOPE = "users:read";
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
        AccessErrors errors = new AccessErrors(Map.of(
                EndpointRequest.toAnyEndpoint(),
                security.actuatorScope(),
                PathPatternRequestMatcher.pathPattern(EXPORT),
                EXPORT_SCOPE));
        bearer.setAuthenticationEntryPoint(errors);
        return http.addFilter(bearer)
                .addFilter(new OriginFilter(cors, graphQl.getHttp().getPath(), EXPORT))
                .authorizeHttpRequests(requests -> {
                    requests.dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.ASYNC)
                            .permitAll();
                    // Nothing is served at the path with a trailing slash, so a client that uses it gets a 404 rather
                    // than a 401.
                    String path = graphQl.getHttp().getPath();
                    requests.requestMatchers(path, path + "/").permitAll();
                    requests.requestMatchers(PAGES).permitAll();
                    if (security.graphiql()) {
                        requests.requestMatchers(GRAPHIQL).permitAll();
                    }
                    requests.requestMatchers(EXPORT).hasAuthority("SCOPE_" + EXPORT_SCOPE);
                    allow(requests.requestMatchers("/schema.graphqls"), security.serviceSdl());
                    requests.requestMatchers(EndpointRequest.to(HealthEndpoint.class))
                            .permitAll();
                    requests.requestMatchers(EndpointRequest.toAnyEndpoint())
                            .hasAuthority("SCOPE_" + security.actuatorScope());
                    requests.anyRequest().denyAll();
                })
                .exceptionHandling(
                        handling -> handling.authenticationEntryPoint(errors).accessDeniedHandler(errors))
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
                // Browsers never send the token's header on their own, so requests cannot be forged. There is no
                // session, either.
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

    /** Observing each filter and each decision would slow down every request and reveal little. */
    @Bean
    SecurityObservationSettings securityObservations() {
        return SecurityObservationSettings.noObservations();
    }

    /** Accepts several spaces after the scheme (RFC 9110 11.4), which Spring's resolver rejects. */
    private static @Nullable String token(HttpServletRequest request) {
        String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
        if (authorization == null || !StringUtils.startsWithIgnoreCase(authorization, BEARER)) {
            return null;
        }
        String rest = authorization.substring(BEARER.length());
        String token = StringUtils.trimLeadingCharacter(rest, ' ');
        if (token.length() == rest.length() || !isToken68(token)) {
            throw new OAuth2AuthenticationException(BearerTokenErrors.invalidToken("Bearer token is malformed"));
        }
        return token;
    }

    /** Whether the text has the syntax of RFC 9110 11.2. A regular expression is slow on long tokens. */
    private static boolean isToken68(String text) {
        String token = StringUtils.trimTrailingCharacter(text, '=');
        for (int i = 0; i < token.length(); i++) {
            if (!isToken68Character(token.charAt(i))) {
                return false;
            }
        }
        return !token.isEmpty();
    }

    private static boolean isToken68Character(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || "-._~+/".indexOf(c) >= 0;
    }

    private static void allow(AuthorizedUrl url, Access access) {
        switch (access) {
            case OPEN -> url.permitAll();
            case TOKEN -> url.authenticated();
            case OFF -> url.denyAll();
        }
    }
}
