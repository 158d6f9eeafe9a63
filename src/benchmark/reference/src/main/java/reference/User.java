package reference;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.UUID;
import org.hibernate.id.uuid.UuidVersion7Strategy;

@Entity
@Table(name = "users")
public class User {
    @Id
    @Column(name = "id")
    private UUID uuid;

    private String name;
    private String email;
    private boolean active = true;
    private OffsetDateTime createdAt = OffsetDateTime.now(ZoneOffset.UTC);
    private OffsetDateTime updatedAt = createdAt;

    @Version
    private Integer version;

    protected User() {}

    User(String name, String email) {
        this.uuid = UuidVersion7Strategy.INSTANCE.generateUuid(null);
        this.name = name;
        this.email = email;
    }

    UUID uuid() {
        return uuid;
    }

    public String getId() {
        return GlobalId.encode('U', uuid);
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

    OffsetDateTime createdAt() {
        return createdAt;
    }

    public Integer getVersion() {
        return version;
    }
}
