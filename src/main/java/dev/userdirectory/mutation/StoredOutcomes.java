package dev.userdirectory.mutation;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonIdentityInfo;
import com.fasterxml.jackson.annotation.ObjectIdGenerators;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import dev.userdirectory.input.InputError;
import dev.userdirectory.relay.Node;
import jakarta.persistence.EntityManager;
import java.beans.PropertyDescriptor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanWrapper;
import org.springframework.beans.BeanWrapperImpl;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Stores the outcomes of mutations with an idempotency key. All methods must be called within the transaction of the
 * mutation, which holds the lock on the key until it ends.
 */
@Component
@EnableConfigurationProperties(IdempotencyProperties.class)
class StoredOutcomes {
    /** Serializes fields, since the schema's objects have no other state. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .changeDefaultVisibility(visibility -> visibility
                    .with(Visibility.NONE)
                    .withVisibility(PropertyAccessor.FIELD, Visibility.ANY)
                    .withVisibility(PropertyAccessor.CREATOR, Visibility.ANY))
            .addMixIn(Node.class, WrittenOnce.class)
            .addMixIn(InputError.class, WrittenOnce.class)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    /** Writes each object once: {@code createUsers} returns the same users and errors in two places. */
    @JsonIdentityInfo(generator = ObjectIdGenerators.IntSequenceGenerator.class, property = "@")
    private interface WrittenOnce {}

    private final JdbcTemplate jdbc;
    private final EntityManager entities;
    private final IdempotencyProperties properties;

    StoredOutcomes(JdbcTemplate jdbc, EntityManager entities, IdempotencyProperties properties) {
        this.jdbc = jdbc;
        this.entities = entities;
        this.properties = properties;
    }

    /**
     * Waits until no other transaction holds the key, then claims it and returns true, or returns false if an outcome
     * is stored. Even in that case it locks the row, so the commit waits until a synchronous standby has the outcome,
     * too.
     */
    boolean claim(IdempotencyKey key) {
        return jdbc.update(
                        """
                        insert into idempotency_keys as known (id, fingerprint, created_at) values (?, ?, now())
                        on conflict (id) do update
                            set fingerprint = excluded.fingerprint, created_at = excluded.created_at, outcome = null, object_id = null
                            where known.created_at < now() - ? * interval '1 second'
                        """, key.id(), key.fingerprint(), properties.retention().toSeconds())
                == 1;
    }

    /** Undoes the claim of a key, as if the key had never been used. */
    void release(IdempotencyKey key) {
        jdbc.update("delete from idempotency_keys where id = ?", key.id());
    }

    /** @return the size of the outcome in bytes */
    int store(IdempotencyKey key, Object payload) {
        entities.flush(); // so that the payload has the new version
        String outcome = JSON.writeValueAsString(payload);
        jdbc.update(
                "update idempotency_keys set outcome = ?, object_id = ? where id = ?",
                outcome,
                shown(payload),
                key.id());
        return outcome.getBytes(StandardCharsets.UTF_8).length;
    }

    /**
     * The outcome that is stored under a key.
     *
     * @param outcome null if the key was used for another mutation
     * @param objectId the ID of the object in the outcome, or of the object that conflicted with the mutation; null if
     *     there are several
     */
    record Known<T>(@Nullable T outcome, @Nullable String objectId) {}

    <T> Known<T> find(IdempotencyKey key, Class<T> type) {
        return Objects.requireNonNull(jdbc.queryForObject(
                "select case when fingerprint = ? then outcome end as outcome, object_id from idempotency_keys where id = ?",
                (row, n) -> {
                    String outcome = row.getString("outcome");
                    return new Known<>(
                            outcome == null ? null : JSON.readValue(outcome, type), row.getString("object_id"));
                },
                key.fingerprint(),
                key.id()));
    }

    private static @Nullable String shown(Object payload) {
        BeanWrapper properties = new BeanWrapperImpl(payload);
        List<String> ids = Arrays.stream(properties.getPropertyDescriptors())
                .map(PropertyDescriptor::getName)
                .map(properties::getPropertyValue)
                .flatMap(value -> value instanceof List<?> list ? list.stream() : Stream.ofNullable(value))
                .flatMap(value -> Stream.ofNullable(id(value)))
                .distinct()
                .limit(2)
                .toList();
        return ids.size() == 1 ? ids.getFirst() : null;
    }

    private static @Nullable String id(Object value) {
        return switch (value) {
            case Node node -> node.getId();
            case InputError error -> error.currentId();
            default -> null;
        };
    }
}
