package dev.userdirectory.graphql.scope;

import graphql.GraphQLError;

/**
 * Carries the error of a field. It is thrown rather than returned, so that no decorator of a data fetcher sees a value:
 * Spring's decorator turns null into an empty connection. It has no stack trace, because it is an expected outcome.
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
