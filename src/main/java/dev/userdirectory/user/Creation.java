package dev.userdirectory.user;

import dev.userdirectory.database.Actor;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.support.SqlArrayValue;
import tools.jackson.databind.json.JsonMapper;

/**
 * A user to be stored.
 *
 * @param creator the actor in the event of the creation; null if unknown, or if the transaction sets the actor
 * @param uncertain set once an attempt has failed that may have committed
 */
record Creation(User user, @Nullable Actor creator, AtomicBoolean uncertain) {
    Creation(User user, @Nullable Actor creator) {
        this(user, creator, new AtomicBoolean());
    }

    /** The value of the setting {@code directory.creators}; empty if no creation has a creator. */
    static String creators(Collection<Creation> creations) {
        Map<String, List<String>> creators = new HashMap<>();
        for (Creation creation : creations) {
            Actor creator = creation.creator;
            if (creator != null) {
                List<String> names = creator.client() == null
                        ? List.of(creator.subject())
                        : List.of(creator.subject(), creator.client());
                creators.put(creation.uuid().toString(), names);
            }
        }
        return creators.isEmpty() ? "" : JsonMapper.shared().writeValueAsString(creators);
    }

    static SqlArrayValue array(String type, Collection<Creation> creations, Function<User, Object> property) {
        return new SqlArrayValue(
                type,
                creations.stream()
                        .map(creation -> property.apply(creation.user))
                        .toArray());
    }

    UUID uuid() {
        return user.uuid();
    }
}
