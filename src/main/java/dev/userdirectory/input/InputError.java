package dev.userdirectory.input;

import dev.userdirectory.generated.types.InputErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A reason why a mutation was rejected; the schema's {@code InputError}.
 *
 * @param currentId the global ID of the conflicting object, if it is known
 * @param currentEmail the address of the conflicting user, if only that is known
 */
public record InputError(
        List<String> path,
        InputErrorCode code,
        String message,
        @Nullable String currentId,
        @Nullable String currentEmail) {}
