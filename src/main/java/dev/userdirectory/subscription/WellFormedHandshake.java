package dev.userdirectory.subscription;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.http.HttpError;
import java.io.IOException;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.socket.WebSocketHandler;
import org.springframework.web.socket.WebSocketHttpHeaders;
import org.springframework.web.socket.server.HandshakeInterceptor;

/**
 * Rejects an invalid handshake (RFC 6455 4.2.1) with a JSON error. Spring and Tomcat would respond with only a status,
 * or with plain text.
 */
final class WellFormedHandshake implements HandshakeInterceptor {
    private static final String VERSION = "13";
    private static final int KEY_BYTES = 16;
    private static final HttpError OTHER_VERSION = new HttpError(
                    ErrorCode.UPGRADE_REQUIRED, "Open the WebSocket with Sec-WebSocket-Version: " + VERSION)
            .with(HttpHeaders.UPGRADE, "websocket") // RFC 9110, 15.5.22
            .with(WebSocketHttpHeaders.SEC_WEBSOCKET_VERSION, VERSION);
    private static final HttpError NO_HANDSHAKE = new HttpError(
            ErrorCode.BAD_REQUEST,
            "Open the WebSocket with Connection: Upgrade and a Sec-WebSocket-Key of 16 bytes in Base64; a proxy must pass both on");

    @Override
    public boolean beforeHandshake(
            ServerHttpRequest request,
            ServerHttpResponse response,
            WebSocketHandler sockets,
            Map<String, Object> attributes)
            throws IOException {
        WebSocketHttpHeaders headers = new WebSocketHttpHeaders(request.getHeaders());
        if (headers.getConnection().stream().noneMatch("upgrade"::equalsIgnoreCase)
                || !isKey(headers.getSecWebSocketKey())) {
            NO_HANDSHAKE.writeTo(response);
            return false;
        }
        if (!VERSION.equals(headers.getSecWebSocketVersion())) {
            OTHER_VERSION.writeTo(response);
            return false;
        }
        return true;
    }

    private static boolean isKey(@Nullable String key) {
        try {
            return key != null && Base64.getDecoder().decode(key.strip()).length == KEY_BYTES;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Override
    public void afterHandshake(
            ServerHttpRequest request,
            ServerHttpResponse response,
            WebSocketHandler sockets,
            @Nullable Exception exception) {}
}
