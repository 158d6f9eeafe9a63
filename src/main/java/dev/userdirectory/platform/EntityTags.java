package dev.userdirectory.platform;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.ShallowEtagHeaderFilter;

/** {@code ETag} and {@code 304} for queries by GET; an event stream has neither, nor an end to wait for. */
@Component
class EntityTags extends ShallowEtagHeaderFilter {
    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !request.getMethod().equals("GET") || Accepted.of(request).stream();
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        boolean any = "*".equals(request.getHeader(HttpHeaders.IF_NONE_MATCH));
        super.doFilterInternal(any ? new AnyTag(request, response) : request, response, chain);
    }

    /** {@code If-None-Match: *} (RFC 9110, 13.1.2), which Spring does not take for a match: names the tag that there is. */
    private static class AnyTag extends HttpServletRequestWrapper {
        private final HttpServletResponse response;

        AnyTag(HttpServletRequest request, HttpServletResponse response) {
            super(request);
            this.response = response;
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            String tag = response.getHeader(HttpHeaders.ETAG);
            return tag != null && name.equalsIgnoreCase(HttpHeaders.IF_NONE_MATCH)
                    ? Collections.enumeration(List.of(tag))
                    : super.getHeaders(name);
        }
    }
}
