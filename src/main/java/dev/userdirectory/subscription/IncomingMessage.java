package dev.userdirectory.subscription;

import dev.userdirectory.graphql.limit.JsonLimitExceeded;
import dev.userdirectory.graphql.limit.JsonValues;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import java.util.Locale;
import org.springframework.web.socket.CloseStatus;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The message that a socket is receiving, in parts. Its length, its values and its memory are limited. */
final class IncomingMessage {
    private final JsonMapper json;
    private final Limits limits;
    private final StringBuilder received = new StringBuilder();
    private int values;
    private volatile Reservation memory;

    IncomingMessage(JsonMapper json, Limits limits, Reservation memory) {
        this.json = json;
        this.limits = limits;
        this.memory = memory;
    }

    void add(String part, boolean initialized) {
        int limit = initialized ? limits.message() : limits.firstMessage();
        int length = received.length() + part.length();
        if (length > limit) {
            throw SocketError.overLimit(
                    CloseStatus.TOO_BIG_TO_PROCESS.getCode(),
                    String.format(
                            Locale.ROOT,
                            "A message has at most %,d characters%s",
                            limit,
                            initialized ? "" : " until connection_init succeeds"));
        }
        values += (int) part.chars().filter(JsonValues::mayPrecedeValue).count();
        if (!memory.growForJson(length, Math.min(values, limits.variables()))) {
            throw SocketError.overLimit(
                    CloseStatus.SERVICE_OVERLOAD.getCode(), "Too many large messages at a time: try again");
        }
        received.append(part);
    }

    JsonNode parse() {
        String text = received.toString();
        try (JsonParser parser = json.createParser(text)) {
            if (parser.nextToken() != null) {
                new JsonValues(parser, limits).skip();
            }
            return json.readTree(text);
        } catch (JsonLimitExceeded e) {
            throw SocketError.overLimit(4400, e.error().getMessage());
        } catch (JacksonException e) {
            throw new SocketError(4400, "Not JSON");
        }
    }

    void forget() {
        received.setLength(0);
        received.trimToSize();
        values = 0;
        memory.clear();
    }

    /** Takes the memory for this message and all later ones from another reservation. */
    void reserveFrom(Reservation other) {
        memory.close();
        memory = other;
    }

    /** May be called while a message is being received. */
    void release() {
        memory.close();
    }
}
