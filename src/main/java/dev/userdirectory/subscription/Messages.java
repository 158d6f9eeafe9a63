package dev.userdirectory.subscription;

import java.util.Map;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** What is sent over sockets and event streams. */
final class Messages {
    /**
     * Escapes surrogates, so that half of a pair reaches the client as it came. UTF-8 cannot encode it: the socket would be
     * closed.
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
