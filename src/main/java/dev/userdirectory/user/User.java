package dev.userdirectory.user;

import dev.userdirectory.graphql.limit.Weight;
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
    public static final NodeType TYPE = new NodeType('U', "User");

    /** The columns that {@link #read} needs; the table's alias is {@code u}. */
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

    /**
     * Creates a new user. Version 7 UUIDs increase even within a millisecond, so they order users that are created
     * together.
     */
    User(String name, String email, boolean active, OffsetDateTime now) {
        this.uuid = UuidVersion7Strategy.INSTANCE.generateUuid(null);
        this.name = name;
        this.email = email;
        this.active = active;
        this.createdAt = now;
        this.updatedAt = now;
    }

    /** Reads a stored user. JPA does not manage the object, so it must not be changed. */
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

    /**
     * The time in microseconds, as PostgreSQL stores it, so that a new object shows the same time when it is read
     * again.
     */
    static OffsetDateTime now() {
        return OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS);
    }

    /** Sets the values that are not null. If none of them differs, {@code updatedAt} and the version stay the same. */
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

    /**
     * Whether this is the user's address, apart from the case of ASCII letters. Other addresses may look alike, so that
     * only one of them can be stored, and still belong to somebody else: {@code ſ} and {@code s}, {@code İ} and
     * {@code i}.
     */
    public boolean hasEmail(String email) {
        return EmailAddress.isSame(email, this.email);
    }

    @Override
    public String getId() {
        return new GlobalId(TYPE, uuid).toString();
    }

    @Override
    public long bytes() {
        return 5L * Weight.OBJECT + Weight.of(name) + Weight.of(email);
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

    /** Null until the user is stored. */
    public @Nullable Integer getVersion() {
        return version;
    }
}
