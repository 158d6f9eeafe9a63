package dev.userdirectory.mutation;

import dev.userdirectory.input.InputErrors;

/** Thrown when a mutation turns out to be impossible after it has begun to write. Its transaction is rolled back. */
public final class Rejected extends RuntimeException {
    final InputErrors errors;

    public Rejected(InputErrors errors) {
        super(null, null, false, false);
        this.errors = errors;
    }
}
