package dev.userdirectory.group;

import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.input.Characters;
import dev.userdirectory.relay.GlobalId;
import dev.userdirectory.relay.Node;
import dev.userdirectory.relay.NodeType;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.UUID;
import org.hibernate.id.uuid.UuidVersion7Strategy;
import org.jspecify.annotations.Nullable;

/** A row of {@code groups}, and the schema's {@code Group}. */
@Entity
@Table(name = "groups")
public class Group implements Node {
    public static final NodeType TYPE = new NodeType('G', "Group");

    /** The columns that {@link #read} needs; the table's alias is {@code g}. */
    public static final String COLUMNS = "g.id, g.name, g.description, g.created_at, g.updated_at, g.version";

    @Id
    @Column(name = "id")
    private UUID uuid;

    private String name;
    private @Nullable String description;
    private OffsetDateTime createdAt;
    private OffsetDateTime updatedAt;

    @Version
    private @Nullable Integer version;

    @SuppressWarnings("NullAway.Init") // JPA sets the fields
    protected Group() {}

    /**
     * Creates a new group. Version 7 UUIDs increase even within a millisecond, so they order groups that are created
     * together.
     */
    Group(String name, @Nullable String description, OffsetDateTime now) {
        this.uuid = UuidVersion7Strategy.INSTANCE.generateUuid(null);
        this.name = name;
        this.description = description;
        this.createdAt = now;
        this.updatedAt = now;
    }

    /** Returns the problem with the description, or null. */
    static @Nullable String descriptionProblem(@Nullable String description) {
        if (description == null) {
            return null;
        }
        if (Characters.isLonger(description, 2000)) {
            return "A description has at most 2,000 characters.";
        }
        if (Characters.contains(description, c -> Characters.isControl(c) && c != '\n' && c != '\r' && c != '\t')) {
            return "A description has no control characters but line breaks and tabs.";
        }
        return null;
    }

    /** Reads a stored group. JPA does not manage the object, so it must not be changed. */
    public static Group read(ResultSet row, int rowNumber) throws SQLException {
        Group group = new Group();
        group.uuid = row.getObject("id", UUID.class);
        group.name = row.getString("name");
        group.description = row.getString("description");
        group.createdAt = row.getObject("created_at", OffsetDateTime.class);
        group.updatedAt = row.getObject("updated_at", OffsetDateTime.class);
        group.version = row.getInt("version");
        return group;
    }

    /**
     * The time in microseconds, as PostgreSQL stores it, so that a new object shows the same time when it is read
     * again.
     */
    static OffsetDateTime now() {
        return OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS);
    }

    /**
     * Changes the values. If neither of them differs, {@code updatedAt} and the version stay the same.
     *
     * @param name null to keep the name
     * @param description null to remove the description
     */
    void update(@Nullable String name, @Nullable String description) {
        String newName = name == null ? this.name : name.strip();
        if (newName.equals(this.name) && Objects.equals(description, this.description)) {
            return;
        }
        this.name = newName;
        this.description = description;
        this.updatedAt = now();
    }

    @Override
    public String getId() {
        return new GlobalId(TYPE, uuid).toString();
    }

    @Override
    public long bytes() {
        return 5L * Weight.OBJECT + Weight.of(name) + Weight.of(description);
    }

    public UUID uuid() {
        return uuid;
    }

    public String getName() {
        return name;
    }

    public @Nullable String getDescription() {
        return description;
    }

    public OffsetDateTime getCreatedAt() {
        return createdAt;
    }

    public OffsetDateTime getUpdatedAt() {
        return updatedAt;
    }

    /** Null until the group is stored. */
    public @Nullable Integer getVersion() {
        return version;
    }
}
