package dev.userdirectory.benchmark;

import dev.userdirectory.benchmark.Build.Kind;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.User;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Where pages of users begin, in the order of creation. Each database signs its own cursors. */
final class Places {
    private static final int PAGE = 100;
    private static final GlobalIds IDS = new GlobalIds(List.of(User.TYPE));

    /** The place after a user. */
    record Place(String cursor, UUID user) {}

    private final Build build;

    Places(Build build) {
        this.build = build;
    }

    List<Place> of(List<UUID> users) {
        return users.stream().map(this::of).toList();
    }

    Place of(UUID user) {
        String email = build.million.queryForObject("select email from users where id = ?", String.class, user);
        // Others may have the address within theirs.
        return read(Kind.NOT_CACHED, "first: 10, filter: {search: $text}", email).stream()
                .filter(place -> place.user.equals(user))
                .findFirst()
                .orElseThrow();
    }

    /** As many places, one user after the other. */
    List<Place> after(Kind kind, @Nullable Place start, int count) {
        List<Place> places = new ArrayList<>();
        String cursor = start == null ? null : start.cursor;
        while (places.size() < count) {
            places.addAll(read(kind, "first: " + PAGE + ", after: $text", cursor));
            cursor = places.getLast().cursor;
        }
        return places;
    }

    private List<Place> read(Kind kind, String arguments, @Nullable String text) {
        Map<String, @Nullable String> variables = new HashMap<>();
        variables.put("text", text);
        String document = "query ($text: String) { users(%s) { edges { cursor node { id } } } }".formatted(arguments);
        try {
            return build.service(kind)
                    .post(document, variables)
                    .at("/data/users/edges")
                    .valueStream()
                    .map(edge -> new Place(
                            edge.at("/cursor").asString(),
                            IDS.parse("id", edge.at("/node/id").asString()).uuid()))
                    .toList();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
