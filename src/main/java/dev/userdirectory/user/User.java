package dev.userdirectory.user;

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
import java.util.UUID;
import org.hibernate.id.uuid.UuidVersion7Strategy;
import org.jspecify.annotations.Nullable;

/** A row of {@code users}, and the schema's {@code User}. */
@Entity
@Table(name = "users")
public class User implements Node {
    /** What {@link #read} needs, of the table under the alias {@code u}. */
    public static final String COLUMNS = "u.id, u.name, u.email, u.active, u.created_at, u.updated_at, u.version";

    @Id
    @Column(name = "id")
    private UUID uuid;

    private String name;
    private String email;
    private boolean active;
    private OffsetDateTime createdAt;
    private OffsetDateTime updatedAt;

    @Version
    private @Nullable Integer version;

    @SuppressWarnings("NullAway.Init") // JPA sets the fields
    protected User() {}

    /** A new user. IDs of version 7 rise with time, also within a millisecond, so they order what is created at once. */
    User(String name, String email, boolean active, OffsetDateTime now) {
        this.uuid = UuidVersion7Strategy.INSTANCE.generateUuid(null);
        this.name = name;
        this.email = email;
        this.active = active;
        this.createdAt = now;
        this.updatedAt = now;
    }

    /** A stored user that is only shown, never changed. */
    public static User read(ResultSet row, int rowNumber) throws SQLException {
        User user = new User();
        user.uuid = row.getObject("id", UUID.class);
        user.name = row.getString("name");
        user.email = row.getString("email");
        user.active = row.getBoolean("active");
        user.createdAt = row.getObject("created_at", OffsetDateTime.class);
        user.updatedAt = row.getObject("updated_at", OffsetDateTime.class);
        user.version = row.getInt("version");
        return user;
    }

    /** PostgreSQL keeps microseconds; a new object must not show more than it will show when it is read again. */
    static OffsetDateTime now() {
        return OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS);
    }

    /** Takes on what is not null. Nothing is touched, and so no version counted, if nothing differs. */
    void update(@Nullable String name, @Nullable String email, @Nullable Boolean active) {
        String newName = name == null ? this.name : name.strip();
        String newEmail = email == null ? this.email : email;
        boolean newActive = active == null ? this.active : active;
        if (newName.equals(this.name) && newEmail.equals(this.email) && newActive == this.active) {
            return;
        }
        this.name = newName;
        this.email = newEmail;
        this.active = newActive;
        this.updatedAt = now();
    }

    @Override
    public String getId() {
        return new GlobalId(NodeType.USER, uuid).toString();
    }

    public UUID uuid() {
        return uuid;
    }

    public String getName() {
        return name;
    }

    public String getEmail() {
        return email;
    }

    public boolean isActive() {
        return active;
    }

    public OffsetDateTime getCreatedAt() {
        return createdAt;
    }

    public OffsetDateTime getUpdatedAt() {
        return updatedAt;
    }

    /** Null until stored. */
    public @Nullable Integer getVersion() {
        return version;
    }
}
