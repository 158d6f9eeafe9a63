package dev.userdirectory.http;

import dev.userdirectory.graphql.limit.JsonValues;
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
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads request bodies within limits on their length and on the time they take, and reserves memory for the parsed
 * result. The reservation lasts until the response has been sent.
 */
@Component
class BodyLimit extends OncePerRequestFilter {
    private static final int CHUNK = 4 * 1024;
    private static final Set<String> WITHOUT_BODY = Set.of("GET", "HEAD", "OPTIONS");
    private static final HttpError TOO_MANY = new HttpError(
            HttpStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", "Too many large requests at a time: try again");

    private final RequestMemory memory;
    private final long limit;
    private final long anonymousLimit;
    private final int maxValues;
    private final Duration deadline;
    private final HttpError tooLarge;
    private final HttpError tooLargeWithoutToken;
    private final HttpError tooSlow;

    BodyLimit(Limits limits, RequestMemory memory) {
        this.memory = memory;
        limit = limits.body().toBytes();
        anonymousLimit = Math.min(limit, limits.anonymousBody().toBytes());
        maxValues = limits.variables();
        deadline = limits.deadline();
        tooLarge = new HttpError(
                HttpStatus.CONTENT_TOO_LARGE,
                "MAX_BODY_LIMIT",
                String.format(Locale.ROOT, "The body is larger than %,d bytes, the most that is read", limit));
        tooLargeWithoutToken = new HttpError(
                HttpStatus.CONTENT_TOO_LARGE,
                "MAX_BODY_LIMIT",
                String.format(
                        Locale.ROOT,
                        "The body is larger than %,d bytes, the most that is read without a token",
                        anonymousLimit));
        tooSlow = new HttpError(
                HttpStatus.REQUEST_TIMEOUT,
                "DEADLINE_EXCEEDED",
                "The body took longer than %d ms, the most that a request may take".formatted(deadline.toMillis()));
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
            Body body = new Body(Caller.isAnonymous(authentication), reservation);
            if (request.getContentLengthLong() > body.limit) {
                refuse(request, response, body.tooLarge());
                return;
            }
            HttpError error = body.read(request.getInputStream(), started);
            if (error == null) {
                byte[] bytes = body.take();
                chain.doFilter(new ReadRequest(request, bytes), response);
            } else {
                refuse(request, response, error);
            }
        }
    }

    private class Body {
        private final boolean anonymous;
        private final Reservation reservation;
        private final long limit;
        private ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int values;

        Body(boolean anonymous, Reservation reservation) {
            this.anonymous = anonymous;
            this.reservation = reservation;
            limit = anonymous ? anonymousLimit : BodyLimit.this.limit;
        }

        /** Returns why the body could not be read to its end, or null if it was. */
        @Nullable
        HttpError read(InputStream stream, long started) throws IOException {
            byte[] chunk = new byte[CHUNK];
            try {
                for (int read = stream.read(chunk); read >= 0; read = stream.read(chunk)) {
                    if (bytes.size() + read > limit) {
                        return tooLarge();
                    }
                    if (System.nanoTime() - started > deadline.toNanos()) {
                        return tooSlow;
                    }
                    bytes.write(chunk, 0, read);
                    countValues(chunk, read);
                    if (!reservation.growForJson(bytes.size(), Math.min(values, maxValues))) {
                        return TOO_MANY;
                    }
                }
                return null;
            } catch (SocketTimeoutException e) {
                return tooSlow;
            }
        }

        private void countValues(byte[] chunk, int length) {
            for (int i = 0; i < length; i++) {
                if (JsonValues.mayPrecedeValue(chunk[i])) {
                    values++;
                }
            }
        }

        HttpError tooLarge() {
            return anonymous ? tooLargeWithoutToken : tooLarge;
        }

        /** Returns the bytes and drops the buffer, so that no second copy stays in memory during execution. */
        byte[] take() {
            byte[] all = bytes.toByteArray();
            bytes = new ByteArrayOutputStream(0);
            return all;
        }
    }

    private static void refuse(HttpServletRequest request, HttpServletResponse response, HttpError error)
            throws IOException {
        // Closing the connection is cheaper than reading the rest of the body to get to the next request.
        response.setHeader("Connection", "close");
        error.writeTo(request, response);
    }

    /** A request whose whole body has been read. */
    static class ReadRequest extends HttpServletRequestWrapper {
        private final byte[] body;
        private final ServletInputStream stream;

        ReadRequest(HttpServletRequest request, byte[] body) {
            super(request);
            this.body = body;
            stream = new ReadStream(new ByteArrayInputStream(body));
        }

        /** Returns the array itself, not a copy. */
        byte[] body() {
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
