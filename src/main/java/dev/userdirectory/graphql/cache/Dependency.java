package dev.userdirectory.graphql.cache;

/** An object on which a response depends if it shows it. */
public interface Dependency {
    /** The name of the object among the {@link Dependencies}. */
    String getId();

    /** An estimate of the object's memory. */
    long bytes();
}
