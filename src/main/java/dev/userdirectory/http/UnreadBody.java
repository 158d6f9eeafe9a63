package dev.userdirectory.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Adapter;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.apache.tomcat.util.net.SocketEvent;

/**
 * Limits how long the service reads a body that nothing has asked for, such as that of a request with a bad token.
 * Tomcat reads up to 2 MB of it to get to the next request, for as long as a byte arrives now and then, so a client
 * could hold a connection for months. When the time is over, the connection is closed. With a limit of zero, such a body
 * is not read, and the connection is closed after the response.
 */
class UnreadBody implements Adapter {
    /** Tomcat's own limit on the bytes that it reads. */
    private static final int MAX_BYTES = 2 * 1024 * 1024;

    private final Adapter adapter;
    private final Duration limit;

    UnreadBody(Adapter adapter, Duration limit) {
        this.adapter = adapter;
        this.limit = limit;
    }

    /** The response is finished before the body is read, so the client does not have to wait for it. */
    @Override
    public void service(Request request, Response response) throws Exception {
        adapter.service(request, response);
        drain(request);
    }

    @Override
    public boolean asyncDispatch(Request request, Response response, SocketEvent status) throws Exception {
        boolean success = adapter.asyncDispatch(request, response, status);
        drain(request);
        return success;
    }

    private void drain(Request request) {
        if (!is(ActionCode.ASYNC_IS_ASYNC, request)
                && !is(ActionCode.REQUEST_BODY_FULLY_READ, request)
                && !endsInTime(request)) {
            request.action(ActionCode.DISABLE_SWALLOW_INPUT, null);
        }
    }

    private static boolean is(ActionCode state, Request request) {
        AtomicBoolean result = new AtomicBoolean();
        request.action(state, result);
        return result.get();
    }

    private boolean endsInTime(Request request) {
        if (limit.isZero()) {
            return false;
        }
        long started = System.nanoTime();
        Skipped skipped = new Skipped();
        int bytes = 0;
        try {
            while (bytes < MAX_BYTES && System.nanoTime() - started < limit.toNanos()) {
                int read = request.doRead(skipped);
                if (read < 0) {
                    return true;
                }
                bytes += read;
            }
        } catch (IOException e) {
            // The client has sent nothing for some time, or has disconnected.
        }
        return false;
    }

    @Override
    public boolean prepare(Request request, Response response) throws Exception {
        return adapter.prepare(request, response);
    }

    @Override
    public void log(Request request, Response response, long time) {
        adapter.log(request, response, time);
    }

    @Override
    public void checkRecycled(Request request, Response response) {
        adapter.checkRecycled(request, response);
    }

    @Override
    public String getDomain() {
        return adapter.getDomain();
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
