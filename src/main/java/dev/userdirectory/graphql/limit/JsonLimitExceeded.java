package dev.userdirectory.graphql.limit;

import graphql.GraphQLError;
import tools.jackson.core.exc.StreamConstraintsException;

/** Thrown when JSON exceeds a limit. The JSON is well formed as far as it was read. */
public class JsonLimitExceeded extends StreamConstraintsException {
    private final transient GraphQLError error;

    JsonLimitExceeded(GraphQLError error) {
        super(error.getMessage());
        this.error = error;
    }

    /** States the limit and the actual value. */
    public GraphQLError error() {
        return error;
    }
}
