package dev.userdirectory.http;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.limit.JsonValues;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.util.Locale;
import org.springframework.core.NestedExceptionUtils;

/** Reads request bodies, and reserves memory for the parsed result while it reads. Rejects bodies over a limit. */
final class BodyReader {
    private static final int CHUNK = 4 * 1024;
    private static final HttpError TOO_MANY =
            error(ErrorCode.UNAVAILABLE, "Too many large requests at a time: try again");

    private final long limit;
    private final int maxValues;
    private final long deadline;
    private final HttpError tooLarge;
    private final HttpError tooSlow;

    /**
     * @param limit the maximum number of bytes to read
     * @param whose the end of the sentence that states this limit
     */
    BodyReader(long limit, String whose, Limits limits) {
        this.limit = limit;
        maxValues = limits.variables();
        deadline = limits.deadline().toNanos();
        tooLarge = error(
                ErrorCode.MAX_BODY_LIMIT,
                String.format(Locale.ROOT, "The body is larger than %,d bytes, the most that is read%s", limit, whose));
        tooSlow = error(
                ErrorCode.DEADLINE_EXCEEDED,
                "The body took longer than %d ms, the most that a request may take"
                        .formatted(limits.deadline().toMillis()));
    }

    /** Closes the connection, which is cheaper than reading the rest of the body to get to the next request. */
    private static HttpError error(ErrorCode code, String message) {
        return new HttpError(code, message).with("Connection", "close");
    }

    byte[] read(HttpServletRequest request, Reservation reservation, long started) throws IOException, Rejected {
        if (request.getContentLengthLong() > limit) {
            throw new Rejected(tooLarge);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] chunk = new byte[CHUNK];
        int values = 0;
        InputStream stream = request.getInputStream();
        try {
            for (int read = stream.read(chunk); read >= 0; read = stream.read(chunk)) {
                if (bytes.size() + read > limit) {
                    throw new Rejected(tooLarge);
                }
                if (System.nanoTime() - started > deadline) {
                    throw new Rejected(tooSlow);
                }
                bytes.write(chunk, 0, read);
                for (int i = 0; i < read; i++) {
                    if (JsonValues.mayPrecedeValue(chunk[i])) {
                        values++;
                    }
                }
                if (!reservation.growForJson(bytes.size(), Math.min(values, maxValues))) {
                    throw new Rejected(TOO_MANY);
                }
            }
        } catch (IOException e) {
            // Tomcat wraps the timeout as if the client had disconnected.
            if (NestedExceptionUtils.getRootCause(e) instanceof SocketTimeoutException) {
                throw new Rejected(tooSlow);
            }
            throw e;
        }
        return bytes.toByteArray();
    }

    /** Thrown when the body is rejected before it has been read to its end. */
    static final class Rejected extends Exception {
        private final transient HttpError error;

        private Rejected(HttpError error) {
            super(error.message(), null, false, false);
            this.error = error;
        }

        HttpError error() {
            return error;
        }
    }
}
