package dev.userdirectory.hostile;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import tools.jackson.databind.json.JsonMapper;

/**
 * One kind of hostile traffic.
 *
 * @param run sends it, and returns once the service has responded or disconnected, or the client has stopped sending
 */
record Attack(String name, Action run) {
    interface Action {
        void on(Target target) throws Exception;
    }

    /** Sends different bodies by POST, {@code atATime} of them concurrently, without a token. */
    static Attack anonymous(String name, int requests, int atATime, IntFunction<String> body) {
        return new Attack(name, target -> target.post(null, requests, atATime, body));
    }

    /** Sends different bodies by POST with a token that may read and write users. */
    static Attack authenticated(String name, int requests, int atATime, IntFunction<String> body) {
        return new Attack(name, target -> target.post(target.token(), requests, atATime, body));
    }

    /** Opens sockets, sends these messages on each, and keeps all of them open for a moment. */
    static Attack sockets(String name, int sockets, IntFunction<List<String>> messages) {
        return new Attack(name, target -> target.holdSockets(sockets, true, messages));
    }

    /** Opens connections, sends the same bytes on each, one at a time, and keeps them open for a while. */
    static Attack drip(String name, int connections, String bytes) {
        return new Attack(name, target -> target.drip(connections, bytes));
    }

    /** Opens sockets that read nothing, and sends these messages on each. */
    static Attack unreadSockets(String name, int sockets, Function<Target, List<String>> messages) {
        return new Attack(name, target -> {
            List<String> sent = messages.apply(target);
            target.holdSockets(sockets, false, i -> sent);
        });
    }

    /** Sends the same request on each connection, reads the responses slowly, and sends ordinary requests meanwhile. */
    static Attack slow(String name, int connections, Function<Target, String> request) {
        return new Attack(name, target -> target.readSlowly(connections, request.apply(target)));
    }

    static String body(String query) {
        return body(query, Map.of());
    }

    static String body(String query, Map<String, ?> variables) {
        return JsonMapper.shared().writeValueAsString(Map.of("query", query, "variables", variables));
    }

    @Override
    public String toString() {
        return name;
    }
}
