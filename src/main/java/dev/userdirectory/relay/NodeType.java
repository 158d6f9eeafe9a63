package dev.userdirectory.relay;

/**
 * A type whose objects have global IDs. The feature that owns the type declares it as a bean, with a data loader of the
 * same name that takes the UUIDs of its objects.
 *
 * @param tag the first byte of the IDs
 */
public record NodeType(char tag, String typeName) {}
