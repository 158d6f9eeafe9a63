package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.RequestMemory;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.Caller;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Set;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads request bodies within limits, and keeps the memory for the parsed result reserved until the response has been
 * sent.
 */
@Component
public class BodyLimit extends OncePerRequestFilter {
    private static final Set<String> WITHOUT_BODY = Set.of("GET", "HEAD", "OPTIONS");

    private final RequestMemory memory;
    private final BodyReader bodies;
    private final BodyReader anonymousBodies;

    BodyLimit(Limits limits, RequestMemory memory) {
        this.memory = memory;
        long limit = limits.body().toBytes();
        bodies = new BodyReader(limit, "", limits);
        anonymousBodies = new BodyReader(Math.min(limit, limits.anonymousBody().toBytes()), " without a token", limits);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        long started = System.nanoTime();
        Authentication authentication = SecurityContextHolder.getContext().getAuthentication();
        try (Reservation reservation = memory.open(authentication)) {
            Operation operation = Operation.of(request);
            operation.started = started;
            operation.memory = reservation;
            if (request.getContentLengthLong() == 0 || WITHOUT_BODY.contains(request.getMethod())) {
                chain.doFilter(request, response);
                return;
            }
            ReadRequest read;
            try {
                BodyReader reader = Caller.isAnonymous(authentication) ? anonymousBodies : bodies;
                read = new ReadRequest(request, reader.read(request, reservation, started));
            } catch (BodyReader.Rejected e) {
                e.error().writeTo(request, response);
                return;
            }
            try {
                chain.doFilter(read, response);
            } finally {
                read.forgetBody();
            }
        }
    }

    /** A request whose whole body has been read. */
    public static class ReadRequest extends HttpServletRequestWrapper {
        private byte[] body;
        private ServletInputStream stream;

        ReadRequest(HttpServletRequest request, byte[] body) {
            super(request);
            this.body = body;
            stream = new ReadStream(new ByteArrayInputStream(body));
        }

        /** Releases the body, because an event stream keeps its request until it ends, which may take days. */
        private void forgetBody() {
            body = new byte[0];
            stream = new ReadStream(new ByteArrayInputStream(body));
        }

        /** Returns the array itself, not a copy. */
        public byte[] body() {
            return body;
        }

        @Override
        public ServletInputStream getInputStream() {
            return stream;
        }
    }

    private static class ReadStream extends ServletInputStream {
        private final ByteArrayInputStream body;

        ReadStream(ByteArrayInputStream body) {
            this.body = body;
        }

        @Override
        public int read() {
            return body.read();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) {
            return body.read(bytes, offset, length);
        }

        @Override
        public boolean isFinished() {
            return body.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
            throw new UnsupportedOperationException();
        }
    }
}
