package dev.userdirectory.relay;

/**
 * The types that have global IDs. Each has a data loader named {@link #typeName()} that takes the UUIDs of its objects.
 */
public enum NodeType {
    USER('U', "User"),
    GROUP('G', "Group");

    final char tag;
    private final String typeName;

    NodeType(char tag, String typeName) {
        this.tag = tag;
        this.typeName = typeName;
    }

    public String typeName() {
        return typeName;
    }
}
