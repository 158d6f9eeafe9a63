package dev.userdirectory.http;

import dev.userdirectory.graphql.operation.Operation;
import jakarta.servlet.ServletException;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

/**
 * Tells whether the client still listens while its request is worked on, which Tomcat notices only when it writes the
 * answer. It looks for the end of what the client sends, as Tomcat itself does for the body, but without waiting.
 */
class ClientConnection implements Operation.Client {
    private final org.apache.coyote.Request request;
    private boolean answered;
    private boolean endSeen;

    private ClientConnection(org.apache.coyote.Request request) {
        this.request = request;
    }

    /**
     * Call it again and again. Tomcat reports one byte at the end, each time; of a next request that was sent without
     * waiting for this answer it reports the bytes, once.
     */
    @Override
    public synchronized boolean isGone() {
        if (answered) {
            return false;
        }
        request.action(ActionCode.AVAILABLE, true);
        boolean end = request.getAvailable() == 1;
        boolean again = end && endSeen;
        endSeen = end;
        return again;
    }

    @Override
    public synchronized void answered() {
        answered = true;
    }

    static class Valve extends ValveBase {
        Valve() {
            super(true);
        }

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            if (request.getProtocol().equals("HTTP/1.1")) {
                Operation.of(request).client = new ClientConnection(request.getCoyoteRequest());
            }
            getNext().invoke(request, response);
        }
    }
}
