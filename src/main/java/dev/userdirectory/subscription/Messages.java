package dev.userdirectory.subscription;

import java.util.Map;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** Encodes the messages that sockets and event streams send. */
final class Messages {
    /**
     * Escapes surrogates, so that an unpaired one reaches the client unchanged. UTF-8 cannot encode it, and the socket
     * would be closed.
     */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .highestNonEscapedChar(Character.MIN_SURROGATE - 1)
                    .build())
            .build();

    private Messages() {}

    static String encode(Map<String, ?> message) {
        return JSON.writeValueAsString(message);
    }
}
