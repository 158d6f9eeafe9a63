package dev.userdirectory.relay;

/** An object with a global ID (Relay's Object Identification). */
public interface Node {
    String getId();
}
