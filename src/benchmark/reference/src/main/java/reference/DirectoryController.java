package reference;

import static java.util.stream.Collectors.groupingBy;

import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.dataloader.DataLoader;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.data.domain.Limit;
import org.springframework.graphql.data.method.annotation.Argument;
import org.springframework.graphql.data.method.annotation.MutationMapping;
import org.springframework.graphql.data.method.annotation.QueryMapping;
import org.springframework.graphql.data.method.annotation.SchemaMapping;
import org.springframework.graphql.execution.BatchLoaderRegistry;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.stereotype.Controller;
import reactor.core.publisher.Mono;

@Controller
class DirectoryController {
    private final UserRepository users;
    private final Cursors cursors;

    DirectoryController(UserRepository users, Cursors cursors, BatchLoaderRegistry loaders) {
        this.users = users;
        this.cursors = cursors;
        loaders.forTypePair(GroupsKey.class, GroupConnection.class)
                .registerMappedBatchLoader((keys, env) -> Mono.fromSupplier(() -> loadGroups(keys)));
    }

    record UserConnection(List<User> nodes, PageInfo pageInfo) {}

    record PageInfo(boolean hasNextPage, String endCursor) {}

    record GroupConnection(List<Group> nodes) {}

    record Group(String id, String name, String description) {}

    record GroupsKey(UUID userId, int first) {}

    record CreateUserPayload(User user, List<InputError> errors) {}

    record InputError(List<String> path, String code, String message) {}

    @QueryMapping
    @PreAuthorize("hasAuthority('SCOPE_users:read')")
    User user(@Argument String id) {
        return users.findById(GlobalId.decode(id)).orElse(null);
    }

    @QueryMapping
    @PreAuthorize("hasAuthority('SCOPE_users:read')")
    UserConnection users(@Argument int first, @Argument String after) {
        List<User> found;
        if (after == null) {
            found = users.findByOrderByCreatedAtAscUuidAsc(Limit.of(first + 1));
        } else {
            String[] keys = cursors.decode(after);
            found = users.findAfter(OffsetDateTime.parse(keys[0]), UUID.fromString(keys[1]), Limit.of(first + 1));
        }
        List<User> page = found.subList(0, Math.min(first, found.size()));
        return new UserConnection(
                page,
                new PageInfo(found.size() > first, page.isEmpty() ? null : cursors.encode(page.get(page.size() - 1))));
    }

    @SchemaMapping
    CompletableFuture<GroupConnection> groups(
            User user, @Argument int first, DataLoader<GroupsKey, GroupConnection> loader) {
        return loader.load(new GroupsKey(user.uuid(), first));
    }

    @MutationMapping
    @PreAuthorize("hasAuthority('SCOPE_users:write')")
    CreateUserPayload createUser(@Argument String name, @Argument String email) {
        try {
            return new CreateUserPayload(users.save(new User(name, email)), List.of());
        } catch (DataIntegrityViolationException e) {
            return new CreateUserPayload(
                    null, List.of(new InputError(List.of("email"), "TAKEN", "Another user has this address.")));
        }
    }

    private Map<GroupsKey, GroupConnection> loadGroups(Set<GroupsKey> keys) {
        Map<GroupsKey, GroupConnection> found = new HashMap<>();
        keys.stream().collect(groupingBy(GroupsKey::first)).forEach((first, same) -> {
            UUID[] ids = same.stream().map(GroupsKey::userId).toArray(UUID[]::new);
            Map<UUID, List<UserRepository.Group>> byUser =
                    users.findGroups(ids, first).stream().collect(groupingBy(UserRepository.Group::getUserId));
            for (GroupsKey key : same) {
                found.put(
                        key,
                        new GroupConnection(byUser.getOrDefault(key.userId(), List.of()).stream()
                                .map(g -> new Group(GlobalId.encode('G', g.getId()), g.getName(), g.getDescription()))
                                .toList()));
            }
        });
        return found;
    }
}
