package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.AddGroupMembersPayload;
import dev.userdirectory.generated.types.CreateGroupPayload;
import dev.userdirectory.generated.types.DeleteGroupPayload;
import dev.userdirectory.generated.types.RemoveGroupMembersPayload;
import dev.userdirectory.generated.types.UpdateGroupPayload;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.User;
import graphql.schema.DataFetchingEnvironment;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

@DgsComponent
class GroupMutations {
    private static final int MAX_MEMBERS = 1000;

    private final GroupRepository groups;
    private final Mutations mutations;
    private final GlobalIds ids;

    GroupMutations(GroupRepository groups, Mutations mutations, GlobalIds ids) {
        this.groups = groups;
        this.mutations = mutations;
        this.ids = ids;
    }

    @DgsMutation
    CreateGroupPayload createGroup(
            @InputArgument String name, @InputArgument @Nullable String description, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new CreateGroupPayload(null, errors), errors -> {
            errors.check(Names.problem(name), "name");
            errors.check(Group.descriptionProblem(description), "description");
            return errors.isEmpty()
                    ? new CreateGroupPayload(groups.save(new Group(name.strip(), description, Group.now())), List.of())
                    : null;
        });
    }

    @DgsMutation
    UpdateGroupPayload updateGroup(
            @InputArgument String id,
            @InputArgument @Nullable String name,
            @InputArgument @Nullable String description,
            @InputArgument @Nullable Integer ifVersion,
            DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new UpdateGroupPayload(null, errors), errors -> {
            Optional<Group> group = find(id, ifVersion, env, errors);
            if (env.containsArgument("name")) {
                errors.check(Names.problem(name), "name");
            }
            errors.check(Group.descriptionProblem(description), "description");
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            // A null description removes the description; only an omitted argument keeps it.
            group.get()
                    .update(
                            name,
                            env.containsArgument("description")
                                    ? description
                                    : group.get().getDescription());
            return new UpdateGroupPayload(group.get(), List.of());
        });
    }

    @DgsMutation
    DeleteGroupPayload deleteGroup(
            @InputArgument String id, @InputArgument @Nullable Integer ifVersion, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new DeleteGroupPayload(null, errors), errors -> {
            Optional<Group> group = find(id, ifVersion, env, errors);
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.delete(group.get());
            return new DeleteGroupPayload(group.get().getId(), List.of());
        });
    }

    @DgsMutation
    AddGroupMembersPayload addGroupMembers(
            @InputArgument String groupId, @InputArgument List<String> userIds, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new AddGroupMembersPayload(null, errors), errors -> {
            UUID[] users = findUsers(userIds, errors);
            Optional<Group> group = ids.find(groups::findAndKeep, errors, Group.TYPE, groupId, "groupId");
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.addMembers(group.get().uuid(), users, Group.now());
            return new AddGroupMembersPayload(group.get(), List.of());
        });
    }

    @DgsMutation
    RemoveGroupMembersPayload removeGroupMembers(
            @InputArgument String groupId, @InputArgument List<String> userIds, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new RemoveGroupMembersPayload(null, errors), errors -> {
            UUID[] users = findUsers(userIds, errors);
            Optional<Group> group = ids.find(groups::findAndKeep, errors, Group.TYPE, groupId, "groupId");
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.removeMembers(group.get().uuid(), users);
            return new RemoveGroupMembersPayload(group.get(), List.of());
        });
    }

    private UUID[] findUsers(List<String> userIds, InputErrors errors) {
        if (userIds.size() > MAX_MEMBERS) {
            errors.check("There may be at most 1,000 users, not " + userIds.size() + ".", "userIds");
            return new UUID[0];
        }
        List<Optional<UUID>> uuids = IntStream.range(0, userIds.size())
                .mapToObj(i -> ids.check(errors, User.TYPE, userIds.get(i), "userIds", Integer.toString(i)))
                .toList();
        UUID[] wellFormed = uuids.stream().flatMap(Optional::stream).distinct().toArray(UUID[]::new);
        Set<UUID> found = new HashSet<>(groups.findAndKeepUsers(wellFormed));
        for (int i = 0; i < uuids.size(); i++) {
            if (uuids.get(i).isPresent() && !found.contains(uuids.get(i).get())) {
                GlobalIds.addNotFound(errors, User.TYPE, "userIds", Integer.toString(i));
            }
        }
        return wellFormed;
    }

    /** Finds and locks the group. Adds an error if there is no such group or its version is not {@code ifVersion}. */
    private Optional<Group> find(
            String id, @Nullable Integer ifVersion, DataFetchingEnvironment env, InputErrors errors) {
        Optional<Group> group = ids.find(groups::findAndLock, errors, Group.TYPE, id, "id");
        errors.checkNotNull(env, "ifVersion");
        group.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), found.getId()));
        return group;
    }
}
