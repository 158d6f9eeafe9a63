package dev.userdirectory.http;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.DeniedAccess.Reason;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.ServerHttpObservationFilter;

/** Counts requests that are denied before they reach GraphQL. Bad tokens are counted where they are rejected. */
@Component
public class DeniedRequests implements Filter {
    private final DeniedAccess denied;
    private final String path;

    DeniedRequests(DeniedAccess denied, GraphQlProperties properties) {
        this.denied = denied;
        path = properties.getHttp().getPath();
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (path.equals(((HttpServletRequest) request).getRequestURI())) {
            // Tags the metrics of rejected requests with the path, too.
            ServerHttpObservationFilter.findObservationContext((HttpServletRequest) request)
                    .ifPresent(observation -> observation.setPathPattern(path));
        }
        chain.doFilter(request, response);
        switch (((HttpServletResponse) response).getStatus()) {
            case HttpServletResponse.SC_UNAUTHORIZED -> {
                if (((HttpServletRequest) request).getHeader(HttpHeaders.AUTHORIZATION) == null) {
                    denied.count(Reason.NO_TOKEN);
                }
            }
            case HttpServletResponse.SC_FORBIDDEN -> denied.count(Reason.SCOPE);
            default -> {
                if (request.getAttribute(HttpError.CODE) instanceof ErrorCode code) {
                    denied.count(code);
                }
            }
        }
    }
}
