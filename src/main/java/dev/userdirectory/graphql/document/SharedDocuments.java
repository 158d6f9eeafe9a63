package dev.userdirectory.graphql.document;

import org.jspecify.annotations.Nullable;

/** A store through which instances share the documents that clients have registered. */
public interface SharedDocuments {
    /** The document that any instance stored under the hash; null if there is none or the store is unavailable. */
    @Nullable
    String document(String hash);

    /** Stores the document in the background. */
    void putDocument(String hash, String document);
}
