package dev.userdirectory.http;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.limit.JsonLimitExceeded;
import dev.userdirectory.graphql.operation.ErrorHandler;
import graphql.GraphQLError;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebInputException;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Reports failures in Spring MVC as an {@link HttpError}. */
@Configuration(proxyBeanMethods = false)
public class HttpRefusals implements WebMvcConfigurer {
    /** The error for a request that could not be read. */
    public static HttpError unreadable(Throwable exception) {
        for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
            if (cause instanceof JsonLimitExceeded limit) {
                GraphQLError error = limit.error();
                return new HttpError(HttpStatus.BAD_REQUEST, error.getMessage(), error.getExtensions());
            }
        }
        return HttpEndpoint.NOT_ONE_REQUEST;
    }

    public static HttpError unforeseen(Throwable exception, HttpServletRequest request) {
        GraphQLError error =
                ErrorHandler.unforeseen(exception, request.getRequestURI()).build();
        return new HttpError(ErrorCode.INTERNAL_SERVER_ERROR, error.getMessage());
    }

    @Override
    public void extendHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
        resolvers.addFirst((request, response, handler, exception) -> {
            HttpError error = switch (exception) {
                case HttpMessageNotReadableException e -> unreadable(e);
                case ServerWebInputException e -> unreadable(e);
                case ErrorResponse other -> HttpError.of(other.getStatusCode().value());
                default -> null;
            };
            if (error == null) {
                return null;
            }
            if (exception instanceof ErrorResponse other) {
                other.getHeaders().forEach((name, values) -> values.forEach(value -> response.addHeader(name, value)));
            }
            return answer(error, request, response);
        });
        resolvers.addLast(
                (request, response, handler, exception) -> answer(unforeseen(exception, request), request, response));
    }

    private static ModelAndView answer(HttpError error, HttpServletRequest request, HttpServletResponse response) {
        try {
            error.writeTo(request, response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new ModelAndView();
    }
}
