package dev.userdirectory.graphql.cache;

/** An object that a response depends on if it contains the object. */
public interface Dependency {
    /** The name of the object among the {@link Dependencies}. */
    String getId();

    /** An estimate of the object's memory. */
    long bytes();
}
