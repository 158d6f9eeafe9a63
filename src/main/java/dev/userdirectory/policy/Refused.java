package dev.userdirectory.policy;

import graphql.GraphQLError;

/**
 * What the caller may not do, thrown so that no decorator of a data fetcher takes it for a value: Spring's makes an empty
 * connection of null. It has no stack trace, as nothing has gone wrong.
 */
public class Refused extends RuntimeException {
    private final transient GraphQLError error;

    Refused(GraphQLError error) {
        super(error.getMessage(), null, false, false);
        this.error = error;
    }

    public GraphQLError error() {
        return error;
    }
}
