package dev.userdirectory.graphql.document;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads a folder of documents as clients' build tools write them: {@code .graphql} files, Relay's
 * {@code operations.json} ({@code {"<id>": "<text>", …}}) and Apollo's persisted-query manifest
 * ({@code {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": …, "body": …}, …]}}).
 */
final class TrustedDocuments {
    private static final String APOLLO = "apollo-persisted-query-manifest";

    private final Map<String, String> byId = new HashMap<>();

    private TrustedDocuments() {}

    /**
     * @return the text of each document, by the SHA-256 hash of the text and by the ID from the client's tool in lower
     *     case
     * @throws IllegalArgumentException if there is no document, or a file has another format
     */
    static Map<String, String> read(Resource folder) {
        TrustedDocuments documents = new TrustedDocuments();
        try {
            String root = folder.getURL() + (folder.getURL().getPath().endsWith("/") ? "" : "/");
            PathMatchingResourcePatternResolver files = new PathMatchingResourcePatternResolver();
            for (Resource file : files.getResources(root + "**/*.graphql")) {
                documents.add(file.getContentAsString(StandardCharsets.UTF_8));
            }
            for (Resource file : files.getResources(root + "**/*.json")) {
                documents.addAll(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("directory.limits.trusted-documents cannot be read: " + folder, e);
        }
        if (documents.byId.isEmpty()) {
            throw new IllegalArgumentException(
                    "directory.limits.trusted-documents has no document, so nothing could be run: " + folder);
        }
        return documents.byId;
    }

    private void add(String document) {
        byId.put(Sha256.hex(document), document);
        // Most editors end a file with a line break that the client's compiler does not hash.
        byId.put(Sha256.hex(document.strip()), document);
    }

    private void addAll(Resource file) throws IOException {
        JsonNode content;
        try {
            content = JsonMapper.shared().readTree(file.getContentAsByteArray());
        } catch (JacksonException e) {
            throw notAManifest(file);
        }
        if (content.path("format").asString("").equals(APOLLO)) {
            for (JsonNode operation : content.path("operations")) {
                add(file, operation.path("id").asString(""), operation.path("body"));
            }
        } else if (content.isObject()) {
            for (Map.Entry<String, JsonNode> document : content.properties()) {
                add(file, document.getKey(), document.getValue());
            }
        } else {
            throw notAManifest(file);
        }
    }

    private void add(Resource file, String id, JsonNode document) {
        if (id.isEmpty() || !document.isString()) {
            throw notAManifest(file);
        }
        add(document.asString());
        byId.put(id.toLowerCase(Locale.ROOT), document.asString());
    }

    private static IllegalArgumentException notAManifest(Resource file) {
        return new IllegalArgumentException("directory.limits.trusted-documents: " + file
                + " is neither Relay's operations.json nor Apollo's persisted-query manifest");
    }
}
