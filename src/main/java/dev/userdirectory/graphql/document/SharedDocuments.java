package dev.userdirectory.graphql.document;

import org.jspecify.annotations.Nullable;

/** Where instances find the documents that clients have registered with each other. */
public interface SharedDocuments {
    /** What was put there under that hash, by whomever, or null if there is nothing or it cannot be had now. */
    @Nullable
    String document(String hash);

    /** Returns at once. */
    void putDocument(String hash, String document);
}
