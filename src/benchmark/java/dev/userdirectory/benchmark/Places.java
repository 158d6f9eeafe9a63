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
import tools.jackson.databind.JsonNode;

/** Reads cursors at which pages of users, in order of creation, start. Each database signs its own cursors. */
final class Places {
    private static final GlobalIds IDS = new GlobalIds(List.of(User.TYPE));

    /** A user, and the cursor of the place after that user. */
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
        // Another user's address may contain this one.
        return read(
                        Kind.NOT_CACHED,
                        "users(first: 10, filter: {search: $text}) { edges { cursor node { id } } }",
                        email)
                .path("edges")
                .valueStream()
                .filter(edge -> uuid(edge.path("node")).equals(user))
                .map(edge -> new Place(edge.path("cursor").asString(), user))
                .findFirst()
                .orElseThrow();
    }

    /**
     * Returns the places after consecutive users: those that follow {@code start} or, if it is null, the first ones.
     */
    List<Place> after(Kind kind, @Nullable Place start, int count) {
        List<Place> places = new ArrayList<>();
        Place last = start;
        while (places.size() < count) {
            JsonNode page = read(
                    kind,
                    "users(first: 1, after: $text) { nodes { id } pageInfo { endCursor } }",
                    last == null ? null : last.cursor);
            last = new Place(page.at("/pageInfo/endCursor").asString(), uuid(page.at("/nodes/0")));
            places.add(last);
        }
        return places;
    }

    private static UUID uuid(JsonNode user) {
        return IDS.parse("id", user.path("id").asString()).uuid();
    }

    private JsonNode read(Kind kind, String users, @Nullable String text) {
        Map<String, @Nullable String> variables = new HashMap<>();
        variables.put("text", text);
        try {
            return build.service(kind)
                    .post("query ($text: String) { " + users + " }", variables)
                    .at("/data/users");
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
