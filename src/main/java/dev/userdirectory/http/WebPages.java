package dev.userdirectory.http;

import dev.userdirectory.graphql.scope.SecurityProperties;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementPortType;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ClassPathResource;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;

/** The front page and GraphiQL. They load nothing from other hosts, and cannot connect to any. */
@Configuration(proxyBeanMethods = false)
class WebPages implements WebMvcConfigurer, HandlerInterceptor {
    private static final String CONTENT_SECURITY_POLICY = String.join(
            "; ",
            "default-src 'none'",
            "script-src 'self'",
            // The hash is that of the only style that GraphiQL adds to the page: it stops scrolling behind dialogs.
            "style-src 'self' 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='",
            "font-src data:",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'");

    @Bean
    RouterFunction<ServerResponse> frontPageAndGraphiql(SecurityProperties security, Environment environment)
            throws IOException {
        String frontPage =
                frontPage(security.graphiql(), ManagementPortType.get(environment) == ManagementPortType.SAME);
        return RouterFunctions.route()
                .route(
                        RequestPredicates.path("/"),
                        request -> ServerResponse.ok()
                                .contentType(new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8))
                                .body(frontPage))
                .resource(RequestPredicates.path("/graphiql"), new ClassPathResource("static/graphiql.html"))
                .build();
    }

    /** Omits the links to pages that this server does not serve. */
    private static String frontPage(boolean graphiql, boolean health) throws IOException {
        return new ClassPathResource("static/index.html")
                .getContentAsString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> graphiql || !line.contains("href=\"graphiql\""))
                .filter(line -> health || !line.contains("href=\"actuator/health\""))
                .collect(Collectors.joining("\n", "", "\n"));
    }

    /** Serves GraphiQL's files from its jar, but not the page in that jar, which puts tokens into its URL. */
    @Override
    public void addResourceHandlers(ResourceHandlerRegistry registry) {
        registry.addResourceHandler("/graphiql/**").addResourceLocations("classpath:/static/graphiql/");
        registry.addResourceHandler("/graphiql/*.min.js", "/graphiql/*.min.css")
                .addResourceLocations("classpath:/META-INF/resources/graphql-ui/");
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/", "/graphiql", "/graphiql/**", "/schema.graphqls");
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Referrer-Policy", "no-referrer");
        // Browsers revalidate a page on each use, so that it does not outlive the release it came with.
        response.setHeader("Cache-Control", "no-cache");
        return true;
    }
}
