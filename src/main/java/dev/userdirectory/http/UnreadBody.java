package dev.userdirectory.http;

import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.springframework.http.HttpHeaders;

/**
 * Limits how long the service reads a body that nothing has asked for, such as that of a request with a bad token.
 * Tomcat reads up to 2 MB of it to get to the next request, for as long as a byte arrives now and then, so a client
 * could hold a connection for months. When the time is over, the connection is closed.
 */
class UnreadBody extends ValveBase {
    /** Tomcat's own limit on the bytes that it reads. */
    private static final int MAX_BYTES = 2 * 1024 * 1024;

    private final Duration limit;

    UnreadBody(Duration limit) {
        super(true);
        this.limit = limit;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        getNext().invoke(request, response);
        // An asynchronous request is an event stream, whose body has been read.
        boolean closes = "close".equals(response.getHeader(HttpHeaders.CONNECTION));
        if (!request.isAsync() && (closes || !endsInTime(request.getCoyoteRequest()))) {
            request.getCoyoteRequest().action(ActionCode.DISABLE_SWALLOW_INPUT, null);
        }
    }

    /** Reads from Tomcat's connector, because the stream of the servlet API is closed once the response is written. */
    private boolean endsInTime(org.apache.coyote.Request request) {
        AtomicBoolean read = new AtomicBoolean();
        request.action(ActionCode.REQUEST_BODY_FULLY_READ, read);
        long started = System.nanoTime();
        Skipped skipped = new Skipped();
        try {
            for (int bytes = 0; !read.get() && bytes < MAX_BYTES && System.nanoTime() - started < limit.toNanos(); ) {
                int more = request.doRead(skipped);
                bytes += more;
                read.set(more < 0);
            }
        } catch (IOException e) {
            // The client has sent nothing for some time, or has disconnected.
        }
        return read.get();
    }

    private static final class Skipped implements ApplicationBufferHandler {
        private ByteBuffer bytes = ByteBuffer.allocate(0);

        @Override
        public void setByteBuffer(ByteBuffer buffer) {
            bytes = buffer;
        }

        @Override
        public ByteBuffer getByteBuffer() {
            return bytes;
        }

        @Override
        public void expand(int size) {}
    }
}
