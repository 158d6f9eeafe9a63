package dev.userdirectory.benchmark;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.context.annotation.Bean;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;

/** Measures the upper bound that the HTTP server sets: a route that returns JSON of the size in its path. */
class StaticDocument {
    /** A path that every valid token may access. */
    static final String PATH = "/graphiql/static/";

    static final String BEGINNING = "{\"data\":\"";

    private final Map<Integer, byte[]> documents = new ConcurrentHashMap<>();

    @Bean
    RouterFunction<ServerResponse> staticDocumentRoute() {
        return RouterFunctions.route()
                .POST(PATH + "{size}", request -> {
                    request.body(byte[].class);
                    int size = Integer.parseInt(request.pathVariable("size"));
                    return ServerResponse.ok()
                            .contentType(MediaType.APPLICATION_JSON)
                            .body(documents.computeIfAbsent(size, StaticDocument::document));
                })
                .build();
    }

    private static byte[] document(int size) {
        String end = "\"}";
        String text = "x".repeat(Math.max(0, size - BEGINNING.length() - end.length()));
        return (BEGINNING + text + end).getBytes(StandardCharsets.UTF_8);
    }
}
