package dev.userdirectory.relay;

import dev.userdirectory.graphql.cache.Dependency;

/** An object with a global ID (Relay's Object Identification). */
public interface Node extends Dependency {}
