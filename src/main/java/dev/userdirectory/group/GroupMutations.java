package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.CreateGroupPayload;
import dev.userdirectory.generated.types.DeleteGroupPayload;
import dev.userdirectory.generated.types.UpdateGroupPayload;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.relay.GlobalIds;
import graphql.schema.DataFetchingEnvironment;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

@DgsComponent
class GroupMutations {
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
        return mutations.execute(
                env,
                errors -> new CreateGroupPayload(null, errors.list()),
                errors -> {
                    errors.check(Names.problem(name), "name");
                    errors.check(Group.descriptionProblem(description), "description");
                },
                errors -> new CreateGroupPayload(
                        groups.save(new Group(name.strip(), description, Group.now())), List.of()));
    }

    @DgsMutation
    UpdateGroupPayload updateGroup(
            @InputArgument String id,
            @InputArgument @Nullable String name,
            @InputArgument @Nullable String description,
            @InputArgument @Nullable Integer ifVersion,
            DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new UpdateGroupPayload(null, errors.list()), errors -> {
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
        return mutations.execute(env, errors -> new DeleteGroupPayload(null, errors.list()), errors -> {
            Optional<Group> group = find(id, ifVersion, env, errors);
            if (group.isPresent() && groups.hasTooManyMembers(group.get().uuid())) {
                errors.check("A group with more than 50,000 members cannot be deleted: remove members first.", "id");
            }
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.delete(group.get());
            return new DeleteGroupPayload(group.get().getId(), List.of());
        });
    }

    /** Finds and locks the group. Adds an error if there is no such group or its version is not {@code ifVersion}. */
    private Optional<Group> find(
            String id, @Nullable Integer ifVersion, DataFetchingEnvironment env, InputErrors errors) {
        Optional<Group> group = ids.find(groups::findAndLock, errors, Group.TYPE, id, "id");
        errors.checkNotNull(env.getArguments(), "ifVersion");
        group.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), found.getId(), "ifVersion"));
        return group;
    }
}
