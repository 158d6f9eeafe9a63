package dev.userdirectory.input;

import dev.userdirectory.generated.types.InputErrorCode;
import graphql.schema.DataFetchingEnvironment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects all that is wrong with the arguments of one mutation. */
public class InputErrors {
    private final List<InputError> errors = new ArrayList<>();

    public void add(InputErrorCode code, String message, String... path) {
        errors.add(new InputError(List.of(path), code, message, null, null));
    }

    /** Adds TAKEN: another user has this address. */
    public void addTaken(String email, String... path) {
        errors.add(new InputError(
                List.of(path), InputErrorCode.TAKEN, "Another user has this e-mail address.", null, email));
    }

    /** Adds INVALID if there is a problem with the value at that path. */
    public void check(@Nullable String problem, String... path) {
        if (problem != null) {
            add(InputErrorCode.INVALID, problem, path);
        }
    }

    /** Adds INVALID if an optional argument is given as null, which has no meaning. */
    public void checkNotNull(DataFetchingEnvironment env, String argument) {
        if (env.containsArgument(argument) && env.getArgument(argument) == null) {
            add(InputErrorCode.INVALID, "This argument may be left out, but not be null.", argument);
        }
    }

    /** Adds STALE if the mutation expects another version of the object with this ID. */
    public void checkVersion(@Nullable Integer ifVersion, @Nullable Integer version, String id) {
        if (ifVersion != null && !ifVersion.equals(version)) {
            errors.add(new InputError(
                    List.of("ifVersion"),
                    InputErrorCode.STALE,
                    "The object is at version " + version + " by now.",
                    id,
                    null));
        }
    }

    public boolean isEmpty() {
        return errors.isEmpty();
    }

    public boolean has(String... path) {
        return errors.stream().anyMatch(error -> error.path().equals(List.of(path)));
    }

    public List<InputError> list() {
        return errors;
    }
}
