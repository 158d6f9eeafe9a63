package dev.userdirectory.user;

import com.netflix.graphql.dgs.DgsComponent;
import com.netflix.graphql.dgs.DgsData;
import com.netflix.graphql.dgs.DgsDataFetchingEnvironment;
import com.netflix.graphql.dgs.DgsMutation;
import com.netflix.graphql.dgs.DgsQuery;
import com.netflix.graphql.dgs.InputArgument;
import dev.userdirectory.generated.types.InputErrorCode;
import dev.userdirectory.generated.types.UpdateViewerPayload;
import dev.userdirectory.generated.types.Viewer;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.input.Names;
import dev.userdirectory.mutation.Mutations;
import graphql.schema.DataFetchingEnvironment;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.security.oauth2.jwt.JwtClaimNames;

/** The caller, and the user that the caller's token belongs to. */
@DgsComponent
@EnableConfigurationProperties(ViewerProperties.class)
class ViewerDataFetcher {
    private final ViewerProperties properties;
    private final UserRepository users;
    private final Mutations mutations;

    ViewerDataFetcher(ViewerProperties properties, UserRepository users, Mutations mutations) {
        this.properties = properties;
        this.users = users;
        this.mutations = mutations;
    }

    @DgsQuery
    Viewer viewer(Caller caller) {
        return new Viewer(
                caller.subject().isEmpty() ? null : caller.subject(),
                caller.scopes().stream().sorted().toList(),
                caller.claim(JwtClaimNames.EXP, Instant.class)
                        .map(end -> end.atOffset(ZoneOffset.UTC))
                        .orElse(null),
                null);
    }

    @DgsData(parentType = "Viewer", field = "user")
    CompletableFuture<@Nullable User> user(Caller caller, DgsDataFetchingEnvironment env) {
        Optional<String> email = properties.email(caller);
        return email.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : env.<String, @Nullable User>getDataLoader(UserByEmailDataLoader.class)
                        .load(email.get())
                        .thenApply(user -> user != null && user.hasEmail(email.get()) ? user : null);
    }

    @DgsMutation
    UpdateViewerPayload updateViewer(
            @InputArgument String name,
            @InputArgument @Nullable Integer ifVersion,
            Caller caller,
            DataFetchingEnvironment env) {
        Function<InputErrors, UpdateViewerPayload> rejection = errors -> new UpdateViewerPayload(null, errors.list());
        return mutations.executeFor(payload -> maySee(caller, payload), env, rejection, errors -> {
            Optional<User> user = find(caller, errors);
            errors.checkNotNull(env.getArguments(), "ifVersion");
            user.ifPresent(found -> errors.checkVersion(ifVersion, found.getVersion(), found.getId(), "ifVersion"));
            errors.check(Names.problem(name), "name");
            if (user.isEmpty() || !errors.isEmpty()) {
                return null;
            }
            user.get().update(name, null, null);
            return new UpdateViewerPayload(user.get(), List.of());
        });
    }

    /**
     * Whether the caller may see a stored payload. Its user is the caller's, unless another person has the same subject,
     * or another user has got the caller's address since.
     */
    private boolean maySee(Caller caller, UpdateViewerPayload payload) {
        User stored = payload.getUser();
        if (stored == null) {
            return true;
        }
        return find(caller, new InputErrors())
                .map(user -> user.uuid().equals(stored.uuid()))
                .orElseGet(
                        () -> properties.email(caller).filter(stored::hasEmail).isPresent());
    }

    /** Finds and locks the caller's user. Adds an error if there is none. */
    private Optional<User> find(Caller caller, InputErrors errors) {
        Optional<String> email = properties.email(caller);
        Optional<User> user = email.flatMap(users::findByEmailAndLock).filter(found -> found.hasEmail(email.get()));
        if (user.isEmpty()) {
            errors.add(
                    InputErrorCode.NOT_FOUND,
                    email.isPresent()
                            ? "No user has the e-mail address of this token."
                            : "This token has no %se-mail address in its claim `%s`."
                                    .formatted(properties.needsVerification() ? "verified " : "", properties.claim()));
        }
        return user;
    }
}
