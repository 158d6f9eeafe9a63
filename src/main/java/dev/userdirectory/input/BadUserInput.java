package dev.userdirectory.input;

import java.util.Objects;

/** An invalid argument of a query: a GraphQL error with the code {@code BAD_USER_INPUT} that names the argument. */
public class BadUserInput extends RuntimeException {
    private final String argument;
    private final String problem;

    /** @param problem the rest of a sentence that starts with the argument, such as "must be …" */
    public BadUserInput(String argument, String problem) {
        super("Argument `" + argument + "` " + problem);
        this.argument = argument;
        this.problem = problem;
    }

    /** The same error for an argument that turns out to be a part of {@code outer}. */
    public BadUserInput within(String outer) {
        return new BadUserInput(outer + "." + argument, problem);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }

    public String argument() {
        return argument;
    }
}
