package dev.userdirectory.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.event.FeedCursors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A copy of the directory, made by an export and kept up by following the feed. It accepts each event only once: it is an
 * error to create what exists, or to delete what does not.
 */
public final class Mirror {
    /** The selection of {@code directoryEvents} that a mirror needs, and its fragments. */
    public static final String EVENT = """
            {
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
            }""";

    public static final String FRAGMENTS = """
            fragment u on User { id name email active createdAt updatedAt version }
            fragment g on Group { id name description createdAt updatedAt version }
            """;

    private static final String PAGE = """
            query ($after: String, $first: Int!) {
              directoryEvents(first: $first, after: $after) { nodes %s }
            }
            %s""".formatted(EVENT, FRAGMENTS);

    /** The objects, with the fields that the feed shows. Null if an object has been deleted since the event. */
    private final Map<String, @Nullable JsonNode> objects = new HashMap<>();

    /** The memberships: the ID of the group, then that of the user. */
    private final Set<String> members = new HashSet<>();

    private final List<Event> events = new ArrayList<>();
    private final String start;
    private String cursor;

    /** Sends operations to the service, and returns their data. */
    public interface Api {
        JsonNode data(String document, Map<String, ?> variables) throws IOException, InterruptedException;
    }

    /**
     * @param place of the event in the feed
     * @param change its type, and the IDs of its user and its group
     */
    public record Event(String place, String change) {}

    /** @param export the lines of a complete export */
    public Mirror(List<JsonNode> export) {
        for (JsonNode line : export) {
            line.forEachEntry((type, object) -> {
                switch (type) {
                    case "user", "group" -> create(object.get("id").asString(), object);
                    case "member" -> assertThat(members.add(member(object))).isTrue();
                    default -> {}
                }
            });
        }
        start = export.getLast().get("cursor").asString();
        cursor = start;
    }

    public Map<String, @Nullable JsonNode> objects() {
        return objects;
    }

    public Set<String> members() {
        return members;
    }

    /** What has been applied, in this order. */
    public List<Event> events() {
        return events;
    }

    /** The export's cursor. */
    public String start() {
        return start;
    }

    public String cursor() {
        return cursor;
    }

    /** Reads and applies everything that is settled. */
    public void follow(Api api, int first) throws IOException, InterruptedException {
        List<JsonNode> page;
        do {
            page = read(api, first);
            page.forEach(event -> apply(type(event), event));
        } while (!page.isEmpty());
    }

    /** Reads the next events, and does not apply them. */
    List<JsonNode> read(Api api, int first) throws IOException, InterruptedException {
        return api.data(PAGE, Map.of("after", cursor, "first", first)).at("/directoryEvents/nodes").values().stream()
                .toList();
    }

    static String type(JsonNode event) {
        return event.get("__typename").asString();
    }

    /** @param type the name of the event's type in the schema */
    void apply(String type, JsonNode event) {
        cursor = event.get("cursor").asString();
        events.add(new Event(FeedCursors.place(cursor), change(type, event)));
        switch (type) {
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

    /** Sets the fields of an object, unless it has been deleted. */
    void show(String id, JsonNode object) {
        if (objects.containsKey(id)) {
            objects.put(id, object);
        }
    }

    private static String change(String type, JsonNode event) {
        return Stream.of(
                        type.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT),
                        event.path("userId").asString(null),
                        event.path("groupId").asString(null))
                .filter(Objects::nonNull)
                .collect(Collectors.joining(" "));
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
