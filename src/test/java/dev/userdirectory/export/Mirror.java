package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A copy of the directory, made by an export and kept up by following the feed. It accepts each event only once: it is an
 * error to create an existing object, or to delete a missing one.
 */
final class Mirror {
    private static final String EVENTS = """
            query ($after: String, $first: Int!) {
              directoryEvents(first: $first, after: $after) {
                nodes {
                  cursor
                  __typename
                  ... on UserCreated { userId user { ...u } }
                  ... on UserUpdated { userId user { ...u } }
                  ... on UserDeleted { userId }
                  ... on GroupCreated { groupId group { ...g } }
                  ... on GroupUpdated { groupId group { ...g } }
                  ... on GroupDeleted { groupId }
                  ... on MemberAdded { userId groupId }
                  ... on MemberRemoved { userId groupId }
                }
              }
            }
            fragment u on User { id name email active createdAt updatedAt version }
            fragment g on Group { id name description createdAt updatedAt version }
            """;

    /** Null if an object has been deleted since the event. */
    private final Map<String, @Nullable JsonNode> objects = new HashMap<>();

    private final Set<String> members = new HashSet<>();
    private String cursor;

    Mirror(List<JsonNode> export) {
        for (JsonNode line : export) {
            line.forEachEntry((type, object) -> {
                switch (type) {
                    case "user", "group" -> create(object.get("id").asString(), object);
                    case "member" -> assertThat(members.add(member(object))).isTrue();
                    default -> {}
                }
            });
        }
        cursor = export.getLast().get("cursor").asString();
    }

    Map<String, @Nullable JsonNode> objects() {
        return objects;
    }

    Set<String> members() {
        return members;
    }

    String cursor() {
        return cursor;
    }

    /** Reads and applies everything that is settled. */
    void follow(Client client, int first) {
        List<JsonNode> events;
        do {
            events =
                    client
                            .data(EVENTS, Map.of("after", cursor, "first", first))
                            .at("/directoryEvents/nodes")
                            .values()
                            .stream()
                            .toList();
            events.forEach(this::apply);
        } while (!events.isEmpty());
    }

    private void apply(JsonNode event) {
        cursor = event.get("cursor").asString();
        switch (event.get("__typename").asString()) {
            case "UserCreated" -> create(event.get("userId").asString(), event.get("user"));
            case "UserUpdated" -> update(event.get("userId").asString(), event.get("user"));
            case "UserDeleted" -> delete(event.get("userId").asString());
            case "GroupCreated" -> create(event.get("groupId").asString(), event.get("group"));
            case "GroupUpdated" -> update(event.get("groupId").asString(), event.get("group"));
            case "GroupDeleted" -> delete(event.get("groupId").asString());
            case "MemberAdded" ->
                assertThat(members.add(member(event))).as("%s", event).isTrue();
            case "MemberRemoved" ->
                assertThat(members.remove(member(event))).as("%s", event).isTrue();
            default -> throw new AssertionError(event);
        }
    }

    private void create(String id, @Nullable JsonNode object) {
        assertThat(objects).doesNotContainKey(id);
        objects.put(id, object);
    }

    private void update(String id, @Nullable JsonNode object) {
        assertThat(objects).containsKey(id);
        objects.put(id, object);
    }

    private void delete(String id) {
        assertThat(objects).containsKey(id);
        objects.remove(id);
    }

    private static String member(JsonNode member) {
        return member.get("groupId").asString() + " " + member.get("userId").asString();
    }
}
