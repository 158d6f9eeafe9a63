package dev.userdirectory.input;

import dev.userdirectory.generated.types.InputErrorCode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Collects all problems with the arguments of one mutation. */
public class InputErrors {
    private final List<InputError> errors = new ArrayList<>();
    private final Set<List<String>> paths = new HashSet<>();

    public void add(InputErrorCode code, String message, String... path) {
        add(new InputError(List.of(path), code, message, null, null));
    }

    private void add(InputError error) {
        errors.add(error);
        paths.add(error.path());
    }

    /** Adds TAKEN: another user has this address. */
    public void addTaken(String email, String... path) {
        add(new InputError(List.of(path), InputErrorCode.TAKEN, "Another user has this e-mail address.", null, email));
    }

    /** @param currentId the ID of the object that the key was used for, if it was used for an object */
    public void addKeyReused(@Nullable String currentId, String... path) {
        add(new InputError(
                List.of(path),
                InputErrorCode.KEY_REUSED,
                "This key was used with other arguments, for another mutation, or for another user.",
                currentId,
                null));
    }

    /** Adds INVALID if there is a problem with the value at that path. */
    public void check(@Nullable String problem, String... path) {
        if (problem != null) {
            add(InputErrorCode.INVALID, problem, path);
        }
    }

    /**
     * Adds INVALID if an optional argument is given as null, which has no meaning. The path ends with the name of the
     * argument.
     */
    public void checkNotNull(Map<String, ?> arguments, String... path) {
        String name = path[path.length - 1];
        if (arguments.containsKey(name) && arguments.get(name) == null) {
            add(InputErrorCode.INVALID, "This argument may be left out, but not be null.", path);
        }
    }

    /** Adds STALE if the mutation expects another version of the object with this ID. */
    public void checkVersion(@Nullable Integer ifVersion, @Nullable Integer version, String id, String... path) {
        if (ifVersion != null && !ifVersion.equals(version)) {
            add(new InputError(
                    List.of(path), InputErrorCode.STALE, "The object is at version " + version + ".", id, null));
        }
    }

    public boolean isEmpty() {
        return errors.isEmpty();
    }

    public boolean has(String... path) {
        return paths.contains(List.of(path));
    }

    /** The errors in the elements of a list argument, keyed by the index of the element. */
    public Map<Integer, List<InputError>> byElement(String argument) {
        return errors.stream()
                .filter(error ->
                        error.path().size() > 1 && error.path().getFirst().equals(argument))
                .collect(Collectors.groupingBy(
                        error -> Integer.valueOf(error.path().get(1))));
    }

    public List<InputError> list() {
        return errors;
    }
}
