package dev.userdirectory.graphql.limit;

import graphql.GraphQLError;
import tools.jackson.core.exc.StreamConstraintsException;

/** JSON that is well formed, as far as it was read, and exceeds a limit. */
public class JsonLimitExceeded extends StreamConstraintsException {
    private final transient GraphQLError error;

    JsonLimitExceeded(GraphQLError error) {
        super(error.getMessage());
        this.error = error;
    }

    /** Names the limit, with both numbers. */
    public GraphQLError error() {
        return error;
    }
}
