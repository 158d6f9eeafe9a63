package dev.userdirectory.mirror;

import dev.userdirectory.event.FeedCursors;
import dev.userdirectory.graphql.federation.Scalars;
import dev.userdirectory.group.Group;
import dev.userdirectory.mirror.Mirror.Event;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.NodeType;
import dev.userdirectory.user.User;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads all rows of the tables, in the form in which a {@link Mirror} keeps them. */
public final class Tables {
    private final JdbcTemplate jdbc;

    public Tables(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    public Map<String, JsonNode> objects() {
        Map<String, JsonNode> objects = new HashMap<>();
        jdbc.query("select * from users", row -> {
            ObjectNode user = object(User.TYPE, row);
            user.put("email", row.getString("email"));
            user.put("active", row.getBoolean("active"));
            objects.put(user.get("id").asString(), user);
        });
        jdbc.query("select * from groups", row -> {
            ObjectNode group = object(Group.TYPE, row);
            group.put("description", row.getString("description"));
            objects.put(group.get("id").asString(), group);
        });
        return objects;
    }

    private static ObjectNode object(NodeType type, ResultSet row) throws SQLException {
        return JsonMapper.shared()
                .createObjectNode()
                .put("id", id(type, row, "id"))
                .put("name", row.getString("name"))
                .put("createdAt", Scalars.text(row.getObject("created_at", OffsetDateTime.class)))
                .put("updatedAt", Scalars.text(row.getObject("updated_at", OffsetDateTime.class)))
                .put("version", row.getInt("version"));
    }

    public Set<String> members() {
        return new HashSet<>(jdbc.query(
                "select * from group_members",
                (row, number) -> id(Group.TYPE, row, "group_id") + " " + id(User.TYPE, row, "user_id")));
    }

    /** All events, in the order of the feed. */
    public List<Event> events() {
        return events("true");
    }

    /** The events that a follower must receive after a cursor, in the order of the feed. */
    public List<Event> eventsAfter(String cursor) {
        return events(FeedCursors.AFTER, FeedCursors.arguments(cursor));
    }

    private List<Event> events(String condition, @Nullable Object... arguments) {
        return jdbc.query(
                "select *, case when group_id is null then 'USER_' else '' end || type as kind from user_events where "
                        + condition + " order by transaction, sequence",
                (row, number) -> new Event(
                        row.getLong("transaction") + " " + row.getLong("sequence"),
                        Stream.of(row.getString("kind"), id(User.TYPE, row, "user_id"), id(Group.TYPE, row, "group_id"))
                                .filter(Objects::nonNull)
                                .collect(Collectors.joining(" "))),
                arguments);
    }

    private static @Nullable String id(NodeType type, ResultSet row, String column) throws SQLException {
        UUID uuid = row.getObject(column, UUID.class);
        return uuid == null ? null : new GlobalId(type, uuid).toString();
    }
}
