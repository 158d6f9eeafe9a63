package dev.userdirectory.platform;

import dev.userdirectory.policy.JsonLimitExceeded;
import graphql.GraphQLError;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Set;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.graphql.MediaTypes;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;

/** What the endpoint does not take for a GraphQL request, said in words; Spring answers with the status alone. */
@Configuration(proxyBeanMethods = false)
class HttpRefusals implements WebMvcConfigurer {
    private static final Set<HttpMethod> METHODS = Set.of(HttpMethod.GET, HttpMethod.POST);
    private static final List<MediaType> SERVED =
            List.of(MediaType.APPLICATION_JSON, MediaTypes.APPLICATION_GRAPHQL_RESPONSE, MediaType.TEXT_EVENT_STREAM);

    static final HttpError NOT_ONE_REQUEST = new HttpError(
            HttpStatus.BAD_REQUEST,
            "BAD_REQUEST",
            "Send one JSON object with a `query`, or its members in the URL of a GET; lists of operations are not served");

    @Bean
    @Order(-1) // Before Spring's own.
    RouterFunction<ServerResponse> refusals(GraphQlProperties properties) {
        String path = properties.getHttp().getPath();
        // A page of another site can send the types of a form without asking first; JSON it cannot.
        HttpError otherType = new HttpError(
                HttpStatus.UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "Send application/json, not a form or text");
        HttpError notAcceptable = new HttpError(
                HttpStatus.NOT_ACCEPTABLE, "NOT_ACCEPTABLE", "Accept application/json, or one of the others served");
        HttpError otherMethod =
                new HttpError(HttpStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Send a query by GET or POST");
        return RouterFunctions.route()
                .POST(path, request -> !isJson(request), request -> answer(otherType))
                .POST(path, request -> !accepts(request), request -> answer(notAcceptable))
                .route(
                        RequestPredicates.path(path).and(request -> !METHODS.contains(request.method())),
                        request -> answer(otherMethod))
                .build();
    }

    private static ServerResponse answer(HttpError error) {
        ServerResponse.BodyBuilder response = ServerResponse.status(error.status())
                .cacheControl(CacheControl.noStore())
                .contentType(MediaType.APPLICATION_JSON);
        return (error.status() == HttpStatus.METHOD_NOT_ALLOWED ? response.allow(METHODS) : response)
                .body(error.body());
    }

    /** Why a request could not be read. */
    static HttpError unreadable(Throwable exception) {
        for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof JsonLimitExceeded limit) {
                GraphQLError error = limit.error();
                return new HttpError(HttpStatus.BAD_REQUEST, error.getMessage(), error.getExtensions());
            }
        }
        return NOT_ONE_REQUEST;
    }

    static HttpError unforeseen(Throwable exception, HttpServletRequest request) {
        GraphQLError error =
                ErrorHandler.unforeseen(exception, request.getRequestURI()).build();
        return new HttpError(HttpStatus.INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", error.getMessage());
    }

    private static boolean isJson(ServerRequest request) {
        try {
            return request.headers()
                    .contentType()
                    .filter(type -> MediaType.APPLICATION_JSON.includes(type)
                            || new MediaType("application", "graphql").includes(type))
                    .isPresent();
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    private static boolean accepts(ServerRequest request) {
        try {
            List<MediaType> accepted = request.headers().accept();
            return accepted.isEmpty()
                    || accepted.stream().anyMatch(type -> SERVED.stream().anyMatch(type::isCompatibleWith));
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    @Override
    public void extendHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
        resolvers.addFirst((request, response, handler, exception) -> {
            if (!(exception instanceof HttpMessageNotReadableException
                    || exception instanceof ServerWebInputException)) {
                return null;
            }
            try {
                unreadable(exception).writeTo(request, response);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ModelAndView();
        });
        resolvers.addLast((request, response, handler, exception) -> {
            try {
                unforeseen(exception, request).writeTo(request, response);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ModelAndView();
        });
    }
}
