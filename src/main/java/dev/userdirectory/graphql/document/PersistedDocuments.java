package dev.userdirectory.graphql.document;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.netflix.graphql.types.errors.ErrorType;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.limit.Limits;
import dev.userdirectory.graphql.limit.Weight;
import graphql.GraphqlErrorException;
import graphql.execution.preparsed.persisted.PersistedQuerySupport;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/**
 * Looks up documents by the SHA-256 hash of their text. If there is a folder of trusted documents, only those can be
 * run. Otherwise clients register documents as they use them (Apollo's automatic persisted queries), in memory of a
 * limited size. Instances with a shared store share these documents.
 */
@Component
public class PersistedDocuments {
    private final @Nullable Map<String, String> trusted;
    private final Cache<String, String> registered;
    private final @Nullable SharedDocuments shared;

    PersistedDocuments(Limits limits, ObjectProvider<SharedDocuments> shared) {
        this.shared = shared.getIfAvailable();
        trusted = limits.trustedDocuments() == null ? null : TrustedDocuments.read(limits.trustedDocuments());
        registered = Caffeine.newBuilder()
                .maximumWeight(limits.persistedQueries().toBytes())
                .<String, String>weigher(
                        (hash, document) -> Weight.sum(Weight.ENTRY + Weight.of(hash) + Weight.of(document)))
                .build();
    }

    /**
     * Returns the text to run.
     *
     * @param document the text that the client has sent, or graphql-java's marker if it has sent none
     * @param persistedQuery the extension of that name, {@code {version: 1, sha256Hash: …}}, or null
     * @throws GraphqlErrorException if the document is unknown or not trusted, or the extension is malformed or does
     *     not match the text
     */
    public String resolve(String document, @Nullable Object persistedQuery) {
        String given = document.equals(PersistedQuerySupport.PERSISTED_QUERY_MARKER) ? null : document;
        String hash = hash(persistedQuery);
        if (given != null && hash != null && !Sha256.hex(given).equals(hash)) {
            throw error(ErrorCode.PERSISTED_QUERY_HASH_MISMATCH, "provided sha does not match query");
        }
        if (trusted != null) {
            if (given == null && hash == null) {
                throw error(
                        ErrorCode.PERSISTED_QUERY_ID_REQUIRED, "Only trusted documents are run: send the hash of one");
            }
            String known = trusted.get(hash == null ? Sha256.hex(String.valueOf(given)) : hash);
            if (known == null) {
                throw hash == null
                        ? error(
                                ErrorCode.PERSISTED_QUERY_ID_REQUIRED,
                                "Only trusted documents are run, and this is not one")
                        : error(
                                ErrorCode.PERSISTED_QUERY_NOT_IN_LIST,
                                "Only trusted documents are run, and none has this hash");
            }
            return known;
        }
        if (given != null) {
            return given;
        }
        String known = hash == null ? null : registered(hash);
        if (known == null) {
            // Apollo's clients look for this message, and then send the document as well.
            throw error(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound");
        }
        return known;
    }

    private @Nullable String registered(String hash) {
        String own = registered.getIfPresent(hash);
        if (own != null || shared == null || hash.length() != Sha256.HEX_LENGTH) {
            return own;
        }
        String others = shared.document(hash);
        if (others == null || !Sha256.hex(others).equals(hash)) {
            return null;
        }
        registered.put(hash, others);
        return others;
    }

    /** Must be called only after a document has run, so that invalid documents take up no memory. */
    public void register(String document, @Nullable Object persistedQuery) {
        String hash = hash(persistedQuery);
        if (trusted == null && hash != null && registered.getIfPresent(hash) == null) {
            registered.put(hash, document);
            if (shared != null) {
                shared.putDocument(hash, document);
            }
        }
    }

    private static @Nullable String hash(@Nullable Object persistedQuery) {
        if (persistedQuery == null) {
            return null;
        }
        if (persistedQuery instanceof Map<?, ?> extension
                && String.valueOf(extension.get("version")).equals("1")
                && extension.get("sha256Hash") instanceof String hash) {
            return hash.toLowerCase(Locale.ROOT);
        }
        throw error(ErrorCode.BAD_REQUEST, "Extension `persistedQuery` must have version 1 and a sha256Hash");
    }

    private static GraphqlErrorException error(ErrorCode code, String message) {
        return GraphqlErrorException.newErrorException()
                .errorClassification(ErrorType.BAD_REQUEST)
                .message(message)
                .extensions(code.extensions())
                .build();
    }
}
