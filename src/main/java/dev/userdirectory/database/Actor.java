package dev.userdirectory.database;

import org.jspecify.annotations.Nullable;

/**
 * The author of a change, as shown in its events; the schema's {@code Actor}.
 *
 * @param client the program that acts for the subject, if it is known
 */
public record Actor(String subject, @Nullable String client) {}
