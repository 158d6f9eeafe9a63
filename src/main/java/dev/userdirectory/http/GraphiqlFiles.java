package dev.userdirectory.http;

import dev.userdirectory.graphql.operation.LibraryMessages;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.util.DigestUtils;
import org.springframework.web.servlet.resource.AbstractResourceResolver;
import org.springframework.web.servlet.resource.ResourceResolverChain;

/**
 * The files of GraphiQL, in memory. Requests must not look them up in the executable jar, for the reason that
 * {@link LibraryMessages} gives.
 */
final class GraphiqlFiles extends AbstractResourceResolver {
    private static final String FOLDER = "/static/graphiql/";

    private final Map<String, Resource> byPath = new HashMap<>();

    GraphiqlFiles() throws IOException {
        for (Resource file : new PathMatchingResourcePatternResolver().getResources("classpath:" + FOLDER + "**")) {
            if (file.isReadable()) {
                String url = file.getURL().toString();
                byPath.put(url.substring(url.lastIndexOf(FOLDER) + FOLDER.length()), new InMemory(file));
            }
        }
    }

    private static final class InMemory extends ByteArrayResource {
        private final @Nullable String name;
        private final String hash;

        InMemory(Resource file) throws IOException {
            super(file.getContentAsByteArray());
            name = file.getFilename();
            hash = DigestUtils.md5DigestAsHex(getByteArray());
        }

        @Override
        public @Nullable String getFilename() {
            return name;
        }
    }

    /** The entity tag of one of these files, which changes with its content. */
    static String tag(Resource file) {
        return ((InMemory) file).hash;
    }

    @Override
    protected @Nullable Resource resolveResourceInternal(
            @Nullable HttpServletRequest request,
            String path,
            List<? extends Resource> locations,
            ResourceResolverChain chain) {
        return byPath.get(path);
    }

    @Override
    protected @Nullable String resolveUrlPathInternal(
            String path, List<? extends Resource> locations, ResourceResolverChain chain) {
        return byPath.containsKey(path) ? path : null;
    }
}
