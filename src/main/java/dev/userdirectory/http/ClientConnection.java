package dev.userdirectory.http;

import dev.userdirectory.graphql.operation.Operation;
import jakarta.servlet.ServletException;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;

/**
 * Detects that a client has disconnected while its request is being processed; Tomcat notices that only when it writes
 * the response. It checks for the end of the client's input, as Tomcat itself does for the body, but without blocking.
 */
class ClientConnection implements Operation.Client {
    private final org.apache.coyote.Request request;
    private boolean answered;
    private boolean endSeen;

    private ClientConnection(org.apache.coyote.Request request) {
        this.request = request;
    }

    /**
     * Must be polled: a client counts as disconnected when two calls in a row find exactly one byte. At the end of the
     * input, Tomcat reports one byte on every call; the bytes of a pipelined next request it reports only once.
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

    @Override
    public void cut() {
        request.action(ActionCode.CLOSE_NOW, null);
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
