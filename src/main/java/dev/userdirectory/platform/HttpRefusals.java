package dev.userdirectory.platform;

import graphql.GraphQLError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;

/** What the endpoint does not take for a GraphQL request, said in words; Spring answers with the status alone. */
@Configuration(proxyBeanMethods = false)
class HttpRefusals implements WebMvcConfigurer {
    /** A page of another site can send the types of a form without asking first; JSON it cannot. */
    @Bean
    @Order(-1) // Before Spring's own.
    RouterFunction<ServerResponse> otherThanJson(GraphQlProperties properties) {
        HttpError error = new HttpError(
                HttpStatus.UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_MEDIA_TYPE",
                "Send application/json, not a form or text");
        return RouterFunctions.route()
                .POST(
                        properties.getHttp().getPath(),
                        request -> !isJson(request),
                        request -> ServerResponse.status(error.status())
                                .contentType(MediaType.APPLICATION_JSON)
                                .body(error.body()))
                .build();
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

    @Override
    public void extendHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
        HttpError error = new HttpError(
                HttpStatus.BAD_REQUEST,
                "BAD_REQUEST",
                "Send one JSON object with a `query`, or its members in the URL of a GET; lists of operations are not served");
        resolvers.addFirst((request, response, handler, exception) -> {
            if (!(exception instanceof HttpMessageNotReadableException
                    || exception instanceof ServerWebInputException)) {
                return null;
            }
            try {
                error.writeTo(request, response);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ModelAndView();
        });
        resolvers.addLast((request, response, handler, exception) -> {
            GraphQLError unforeseen =
                    ErrorHandler.unforeseen(exception, request.getRequestURI()).build();
            try {
                new HttpError(HttpStatus.INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", unforeseen.getMessage())
                        .writeTo(request, response);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ModelAndView();
        });
    }
}
