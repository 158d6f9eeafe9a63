package dev.userdirectory.export;

import dev.userdirectory.graphql.federation.Scalars;
import dev.userdirectory.group.Group;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.user.User;
import java.io.OutputStream;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes each object as a line of JSON. Users and groups have the fields that the schema shows to {@code users:read},
 * except lists, in the form that responses have.
 */
final class JsonLines {
    private static final JsonFactory JSON =
            JsonFactory.builder().rootValueSeparator((String) null).build();

    private final JsonGenerator json;

    JsonLines(OutputStream output) {
        json = JSON.createGenerator(output);
    }

    void write(User user) {
        begin("user");
        json.writeStringProperty("id", user.getId());
        json.writeStringProperty("name", user.getName());
        json.writeStringProperty("email", user.getEmail());
        json.writeBooleanProperty("active", user.isActive());
        end(user.getCreatedAt(), user.getUpdatedAt(), user.getVersion());
    }

    void write(Group group) {
        begin("group");
        json.writeStringProperty("id", group.getId());
        json.writeStringProperty("name", group.getName());
        json.writeStringProperty("description", group.getDescription());
        end(group.getCreatedAt(), group.getUpdatedAt(), group.getVersion());
    }

    void writeMember(UUID group, UUID user) {
        begin("member");
        json.writeStringProperty("groupId", new GlobalId(Group.TYPE, group).toString());
        json.writeStringProperty("userId", new GlobalId(User.TYPE, user).toString());
        json.writeEndObject();
        endLine();
    }

    private void begin(String type) {
        json.writeStartObject();
        json.writeName(type);
        json.writeStartObject();
    }

    private void end(OffsetDateTime createdAt, OffsetDateTime updatedAt, @Nullable Integer version) {
        json.writeStringProperty("createdAt", Scalars.text(createdAt));
        json.writeStringProperty("updatedAt", Scalars.text(updatedAt));
        json.writeNumberProperty("version", Objects.requireNonNull(version));
        json.writeEndObject();
        endLine();
    }

    private void endLine() {
        json.writeEndObject();
        json.writeRaw('\n');
    }

    /** Writes the last line, and closes the output. An export without this line is incomplete. */
    void finish(String cursor) {
        json.writeStartObject();
        json.writeStringProperty("cursor", cursor);
        endLine();
        json.close();
    }
}
