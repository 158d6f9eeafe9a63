package dev.userdirectory.input;

import dev.userdirectory.generated.types.InputErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    /** @param currentId the ID of the object that the key was used for, if it was one */
    public void addKeyReused(@Nullable String currentId, String... path) {
        errors.add(new InputError(
                List.of(path),
                InputErrorCode.KEY_REUSED,
                "This key was used for a mutation with other arguments.",
                currentId,
                null));
    }

    /** Adds INVALID if there is a problem with the value at that path. */
    public void check(@Nullable String problem, String... path) {
        if (problem != null) {
            add(InputErrorCode.INVALID, problem, path);
        }
    }

    /** Adds INVALID if an optional argument is given as null, which has no meaning. The path ends with its name. */
    public void checkNotNull(Map<String, ?> arguments, String... path) {
        String name = path[path.length - 1];
        if (arguments.containsKey(name) && arguments.get(name) == null) {
            add(InputErrorCode.INVALID, "This argument may be left out, but not be null.", path);
        }
    }

    /** Adds STALE if the mutation expects another version of the object with this ID. */
    public void checkVersion(@Nullable Integer ifVersion, @Nullable Integer version, String id, String... path) {
        if (ifVersion != null && !ifVersion.equals(version)) {
            errors.add(new InputError(
                    List.of(path), InputErrorCode.STALE, "The object is at version " + version + " by now.", id, null));
        }
    }

    public boolean isEmpty() {
        return errors.isEmpty();
    }

    public boolean has(String... path) {
        return errors.stream().anyMatch(error -> error.path().equals(List.of(path)));
    }

    /** The errors whose paths begin with this one. */
    public List<InputError> under(String... path) {
        return errors.stream()
                .filter(error -> error.path().size() >= path.length
                        && error.path().subList(0, path.length).equals(List.of(path)))
                .toList();
    }

    public List<InputError> list() {
        return errors;
    }
}
