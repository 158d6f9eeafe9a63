package dev.userdirectory.http;

import dev.userdirectory.graphql.scope.SecurityProperties;
import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ClassPathResource;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.HandlerFunction;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;
import org.springframework.web.util.HtmlUtils;

/**
 * The front page and GraphiQL. They load nothing from other hosts, and the only other host that they connect to is the
 * local token endpoint.
 */
@Configuration(proxyBeanMethods = false)
class WebPages implements WebMvcConfigurer, HandlerInterceptor {
    private final SecurityProperties security;
    private final String contentSecurityPolicy;
    private final GraphiqlFiles files = new GraphiqlFiles();

    WebPages(SecurityProperties security) throws IOException {
        this.security = security;
        this.contentSecurityPolicy = String.join(
                "; ",
                "default-src 'none'",
                "script-src 'self'",
                // The hash allows the only style that GraphiQL adds to the page, which prevents scrolling behind
                // dialogs.
                "style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='",
                "font-src data:",
                "img-src data:",
                "connect-src 'self'" + origin(security.localTokenUri()),
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'");
    }

    /** Without the path, in which a {@code ;} would end the directive. */
    private static String origin(@Nullable URI uri) {
        return uri == null ? "" : " " + uri.getScheme() + "://" + uri.getAuthority();
    }

    @Bean
    RouterFunction<ServerResponse> frontPageAndGraphiql(Environment environment, ObjectProvider<BuildProperties> build)
            throws IOException {
        URI tokenUri = security.localTokenUri();
        BuildProperties version = build.getIfAvailable();
        List<String> omitted = new ArrayList<>();
        if (!security.graphiql()) {
            omitted.add("href=\"graphiql\"");
        }
        if (security.serviceSdl() != Access.OPEN) {
            // A browser cannot send a token with a link.
            omitted.add("href=\"schema.graphqls\"");
        }
        if (ManagementPortType.get(environment) != ManagementPortType.SAME) {
            omitted.add("href=\"actuator/health\"");
        }
        if (version == null) {
            omitted.add("{version}");
        }
        omitted.add(tokenUri == null ? "Sign in locally" : "your identity provider");
        Map<String, String> values = Map.of(
                "{version}",
                version == null ? "" : version.getVersion(),
                "{token-uri}",
                Objects.toString(tokenUri, "https://issuer.example/token"));
        return RouterFunctions.route()
                .route(RequestPredicates.path("/"), page("index.html", omitted, values))
                .route(RequestPredicates.path("/graphiql"), page("graphiql.html", omitted, values))
                .build();
    }

    private static HandlerFunction<ServerResponse> page(
            String file, List<String> omittedLines, Map<String, String> values) throws IOException {
        String content = new ClassPathResource("static/" + file)
                .getContentAsString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> omittedLines.stream().noneMatch(line::contains))
                .collect(Collectors.joining("\n", "", "\n"));
        for (Map.Entry<String, String> value : values.entrySet()) {
            content = content.replace(value.getKey(), HtmlUtils.htmlEscape(value.getValue()));
        }
        String body = content;
        return request -> ServerResponse.ok()
                .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
                .body(body);
    }

    @Override
    public void addResourceHandlers(ResourceHandlerRegistry registry) {
        registry.addResourceHandler("/graphiql/**")
                // In a reproducible jar, the time of each file is the same in all releases.
                .setUseLastModified(false)
                .setEtagGenerator(GraphiqlFiles::tag)
                .resourceChain(false)
                .addResolver(files);
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/", "/graphiql", "/graphiql/**", "/schema.graphqls");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        response.setHeader("Content-Security-Policy", contentSecurityPolicy);
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Referrer-Policy", "no-referrer");
        // Browsers revalidate a page on each use, so that it does not outlive the release it came with.
        response.setHeader("Cache-Control", "no-cache");
        return true;
    }
}
