package dev.userdirectory.http;

import java.io.IOException;
import java.time.Duration;
import org.apache.coyote.Adapter;
import org.apache.coyote.Processor;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.springframework.boot.tomcat.TomcatWebServerFactory;

/**
 * Tomcat's HTTP/1.1, with a limit on how long a client may take to send a request's head, or a body that nothing
 * reads. Tomcat's {@code connection-timeout} restarts with each byte, so a client that sends a byte now and then could
 * hold a connection forever.
 */
public class HeadTimeoutProtocol extends Http11NioProtocol {
    private Duration headTimeout = Duration.ofSeconds(10);
    private Duration unreadBodyTimeout = headTimeout;

    static void install(TomcatWebServerFactory server, Duration headTimeout, Duration unreadBodyTimeout) {
        server.setProtocol(HeadTimeoutProtocol.class.getName());
        server.addConnectorCustomizers(connector -> {
            if (connector.getProtocolHandler() instanceof HeadTimeoutProtocol protocol) {
                protocol.headTimeout = headTimeout;
                protocol.unreadBodyTimeout = unreadBodyTimeout;
                // Tomcat reads a whole extension or trailer in one call, during which no time can be checked.
                protocol.setMaxExtensionSize(0);
                protocol.setMaxTrailerSize(2); // the line break that ends a body without one
            }
        });
    }

    @Override
    protected Processor createProcessor() {
        return new HeadTimeoutProcessor(this, new UnreadBody(getAdapter(), unreadBodyTimeout));
    }

    private static final class HeadTimeoutProcessor extends Http11Processor {
        private final Duration headTimeout;
        private final int readTimeout;

        HeadTimeoutProcessor(HeadTimeoutProtocol protocol, Adapter adapter) {
            super(protocol, adapter);
            headTimeout = protocol.headTimeout;
            readTimeout = protocol.getConnectionTimeout();
        }

        /** Called each time data arrives until the head is complete, and then once for the whole request. */
        @Override
        public SocketState service(SocketWrapperBase<?> socket) throws IOException {
            if (hasBegun()) {
                if (millisLeft() <= 0) {
                    return SocketState.CLOSED;
                }
                socket.setReadTimeout(readTimeout);
            }
            SocketState state = super.service(socket);
            boolean waits = state == SocketState.LONG || state == SocketState.OPEN;
            if (!waits || isAsync() || !hasBegun()) {
                return state;
            }
            socket.setReadTimeout(Math.clamp(millisLeft(), 1, readTimeout > 0 ? readTimeout : Integer.MAX_VALUE));
            // With OPEN, Tomcat would forget that the client has sent only empty lines so far.
            return SocketState.LONG;
        }

        /** Whether the first byte of a request has arrived and its response has not been sent yet. */
        private boolean hasBegun() {
            return request.getStartTimeNanos() != -1;
        }

        private long millisLeft() {
            return headTimeout
                    .minusNanos(System.nanoTime() - request.getStartTimeNanos())
                    .toMillis();
        }
    }
}
