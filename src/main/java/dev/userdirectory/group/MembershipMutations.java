package dev.userdirectory.group;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.AddGroupMembersPayload;
import dev.userdirectory.generated.types.InputErrorCode;
import dev.userdirectory.generated.types.RemoveGroupMembersPayload;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.mutation.Mutations;
import dev.userdirectory.relay.GlobalIds;
import dev.userdirectory.user.EmailAddress;
import dev.userdirectory.user.User;
import dev.userdirectory.user.UsersByEmail;
import graphql.schema.DataFetchingEnvironment;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.springframework.jdbc.core.JdbcTemplate;

@DgsComponent
class MembershipMutations {
    private static final int MAX_MEMBERS = 1000;

    private final GroupRepository groups;
    private final Mutations mutations;
    private final GlobalIds ids;
    private final JdbcTemplate jdbc;

    MembershipMutations(GroupRepository groups, Mutations mutations, GlobalIds ids, JdbcTemplate jdbc) {
        this.groups = groups;
        this.mutations = mutations;
        this.ids = ids;
        this.jdbc = jdbc;
    }

    @DgsMutation
    AddGroupMembersPayload addGroupMembers(
            @InputArgument String groupId,
            @InputArgument List<String> userIds,
            @InputArgument List<String> emails,
            DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new AddGroupMembersPayload(null, errors.list()), errors -> {
            Set<UUID> users = findUsers(userIds, emails, errors);
            Optional<Group> group = ids.find(groups::findAndKeep, errors, Group.TYPE, groupId, "groupId");
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.addMembers(group.get().uuid(), users.toArray(UUID[]::new), Group.now());
            return new AddGroupMembersPayload(group.get(), List.of());
        });
    }

    @DgsMutation
    RemoveGroupMembersPayload removeGroupMembers(
            @InputArgument String groupId, @InputArgument List<String> userIds, DataFetchingEnvironment env) {
        return mutations.execute(env, errors -> new RemoveGroupMembersPayload(null, errors.list()), errors -> {
            Set<UUID> users = findUsers(userIds, List.of(), errors);
            Optional<Group> group = ids.find(groups::findAndKeep, errors, Group.TYPE, groupId, "groupId");
            if (group.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            groups.removeMembers(group.get().uuid(), users.toArray(UUID[]::new));
            return new RemoveGroupMembersPayload(group.get(), List.of());
        });
    }

    /** Finds the users, and prevents them from being deleted until the transaction ends. */
    private Set<UUID> findUsers(List<String> userIds, List<String> emails, InputErrors errors) {
        int count = userIds.size() + emails.size();
        if (count > MAX_MEMBERS) {
            errors.check(
                    "There may be at most 1,000 users, not " + count + ".", emails.isEmpty() ? "userIds" : "emails");
            return Set.of();
        }
        List<Optional<UUID>> byId = IntStream.range(0, userIds.size())
                .mapToObj(i -> ids.check(errors, User.TYPE, userIds.get(i), "userIds", Integer.toString(i)))
                .toList();
        List<Optional<UUID>> byEmail = findByEmail(emails, errors);
        // One statement locks all users, in the same order as all other mutations do.
        Set<UUID> kept = new HashSet<>(groups.findAndKeepUsers(Stream.concat(byId.stream(), byEmail.stream())
                .flatMap(Optional::stream)
                .distinct()
                .toArray(UUID[]::new)));
        for (int i = 0; i < byId.size(); i++) {
            if (byId.get(i).isPresent() && !kept.contains(byId.get(i).get())) {
                GlobalIds.addNotFound(errors, User.TYPE, "userIds", Integer.toString(i));
            }
        }
        for (int i = 0; i < byEmail.size(); i++) {
            String[] path = {"emails", Integer.toString(i)};
            if (!errors.has(path) && byEmail.get(i).filter(kept::contains).isEmpty()) {
                errors.add(InputErrorCode.NOT_FOUND, "There is no User with this e-mail address.", path);
            }
        }
        return kept;
    }

    private List<Optional<UUID>> findByEmail(List<String> emails, InputErrors errors) {
        for (int i = 0; i < emails.size(); i++) {
            errors.check(EmailAddress.problem(emails.get(i)), "emails", Integer.toString(i));
        }
        List<String> valid = IntStream.range(0, emails.size())
                .filter(i -> !errors.has("emails", Integer.toString(i)))
                .mapToObj(emails::get)
                .toList();
        Map<String, User> found = valid.isEmpty() ? Map.of() : UsersByEmail.find(jdbc, valid);
        return emails.stream()
                .map(email -> Optional.ofNullable(found.get(email))
                        .filter(user -> user.hasEmail(email))
                        .map(User::uuid))
                .toList();
    }
}
