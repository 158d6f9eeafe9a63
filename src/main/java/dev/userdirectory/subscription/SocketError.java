package dev.userdirectory.subscription;

import dev.userdirectory.graphql.scope.DeniedAccess.Reason;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.web.socket.CloseStatus;

/**
 * Thrown when a message from the client makes the service close the socket. Codes from 4400 on are those of
 * graphql-transport-ws.
 */
final class SocketError extends RuntimeException {
    /** RFC 6455 5.5: a control frame has at most 125 bytes of payload, two of which are the code. */
    private static final int MAX_REASON_BYTES = 123;

    private final transient CloseStatus status;
    private final @Nullable Reason denied;

    SocketError(int code, String reason) {
        this(code, reason, null);
    }

    private SocketError(int code, String reason, @Nullable Reason denied) {
        super(reason, null, false, false);
        status = status(code, reason);
        this.denied = denied;
    }

    static SocketError withoutToken(String reason) {
        return new SocketError(4401, reason, Reason.NO_TOKEN);
    }

    static SocketError unauthorized(String reason) {
        return new SocketError(4401, reason);
    }

    static SocketError overLimit(int code, String reason) {
        return new SocketError(code, reason, Reason.LIMIT);
    }

    static SocketError malformedMessage() {
        return new SocketError(4400, "Not a message of graphql-transport-ws");
    }

    static SocketError overload(String reason) {
        return new SocketError(CloseStatus.SERVICE_OVERLOAD.getCode(), reason);
    }

    CloseStatus status() {
        return status;
    }

    /** Why access is denied; null if it is not, or if that has been counted already. */
    @Nullable
    Reason denied() {
        return denied;
    }

    /** Truncates the reason to what fits into a close frame. Unpaired surrogates become question marks. */
    static CloseStatus status(int code, String reason) {
        byte[] bytes = reason.getBytes(StandardCharsets.UTF_8);
        int end = Math.min(bytes.length, MAX_REASON_BYTES);
        while (end < bytes.length && (bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return new CloseStatus(code, new String(bytes, 0, end, StandardCharsets.UTF_8));
    }
}
