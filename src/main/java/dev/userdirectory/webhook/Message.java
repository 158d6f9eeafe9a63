package dev.userdirectory.webhook;

import dev.userdirectory.database.Actor;
import dev.userdirectory.event.DirectoryEvent;
import dev.userdirectory.graphql.federation.Scalars;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * A message to a webhook: a CloudEvent 1.0 in structured JSON.
 *
 * @param id without dots, as Standard Webhooks requires
 */
record Message(String id, String body) {
    static final String CONTENT_TYPE = "application/cloudevents+json";
    private static final String TYPE_PREFIX = "dev.userdirectory.";

    /** The fields of an event are those that its type has in the schema, except for the objects themselves. */
    static Message of(DirectoryEvent event, String cursor, String source) {
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        data.put("cursor", cursor);
        data.put("occurredAt", Scalars.text(event.occurredAt()));
        data.put("actor", actor(event.actor()));
        if (event.getUserId() != null) {
            data.put("userId", event.getUserId());
        }
        if (event.getGroupId() != null) {
            data.put("groupId", event.getGroupId());
        }
        if (event.isUpdate()) {
            data.put("changed", event.changed());
        }
        String subject = event.getGroupId() == null ? event.getUserId() : event.getGroupId();
        return of(event.id(), source, event.typeName(), subject, event.occurredAt(), data);
    }

    /** Tells the receiver that it may have missed events, and that the feed continues after this cursor. */
    static Message ofExpired(String id, String source, String cursor) {
        return of(
                id,
                source,
                "EventsExpired",
                null,
                OffsetDateTime.now(ZoneOffset.UTC),
                Map.of(
                        "cursor",
                        cursor,
                        "message",
                        "Events are missing before this one: they are no longer kept, or a failover or restore may have"
                                + " undone some that were sent. Read the users and groups again."));
    }

    private static Message of(
            String id, String source, String type, @Nullable String subject, OffsetDateTime time, Map<String, ?> data) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("id", id);
        event.put("source", source);
        event.put("type", TYPE_PREFIX + type);
        if (subject != null) {
            event.put("subject", subject);
        }
        event.put("time", Scalars.text(time));
        event.put("datacontenttype", "application/json");
        event.put("data", data);
        return new Message(id, JsonMapper.shared().writeValueAsString(event));
    }

    private static @Nullable Map<String, @Nullable String> actor(@Nullable Actor actor) {
        if (actor == null) {
            return null;
        }
        Map<String, @Nullable String> fields = new LinkedHashMap<>();
        fields.put("subject", actor.subject());
        fields.put("client", actor.client());
        return fields;
    }
}
