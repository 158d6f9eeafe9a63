package dev.userdirectory.graphql.scope;

import graphql.GraphQLError;

/**
 * A field's error, thrown so that no decorator of a data fetcher sees a value: Spring's turns null into an empty
 * connection. It has no stack trace, as nothing has gone wrong.
 */
public class Refused extends RuntimeException {
    private final transient GraphQLError error;

    public Refused(GraphQLError error) {
        super(error.getMessage(), null, false, false);
        this.error = error;
    }

    public GraphQLError error() {
        return error;
    }
}
