package dev.userdirectory.lambda;

import com.amazonaws.serverless.exceptions.ContainerInitializationException;
import com.amazonaws.serverless.exceptions.InvalidRequestEventException;
import com.amazonaws.serverless.exceptions.InvalidResponseObjectException;
import com.amazonaws.serverless.proxy.InitializationWrapper;
import com.amazonaws.serverless.proxy.internal.LambdaContainerHandler;
import com.amazonaws.serverless.proxy.internal.servlet.AwsHttpApiV2HttpServletRequestReader;
import com.amazonaws.serverless.proxy.internal.servlet.AwsHttpServletResponse;
import com.amazonaws.serverless.proxy.internal.servlet.AwsProxyHttpServletResponseWriter;
import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import com.amazonaws.serverless.proxy.model.ContainerConfig;
import com.amazonaws.serverless.proxy.model.HttpApiV2ProxyRequest;
import com.amazonaws.serverless.proxy.spring.SpringBootLambdaContainerHandler;
import com.amazonaws.serverless.proxy.spring.SpringBootProxyHandlerBuilder;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import dev.userdirectory.UserDirectoryApplication;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.core.SecurityContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.crac.Core;
import org.crac.Resource;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers the events of API Gateway's HTTP APIs and of function URLs: payload format 2.0, one HTTP request per event.
 * Before SnapStart takes a snapshot, the handler runs queries of its own, so that a restored function has its classes
 * loaded and its code compiled. Spring then closes the database connections and allows new ones after the restoration.
 */
public class LambdaHandler implements RequestStreamHandler, Resource {
    private static final int PRIMING_ROUNDS = 30;
    private static final String PRIMING_QUERY = "{ users(first: 2, orderBy: {field: NAME}) { totalCount nodes { id name"
            + " email createdAt groups(first: 2) { nodes { id name } } } pageInfo { hasNextPage endCursor } } }";
    private static final Set<String> STREAMS = Set.of("text/event-stream", "text/*", "multipart/mixed");
    /** Well-formed, but its signature is not valid. */
    private static final String FORGED_TOKEN =
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwcmltaW5nIn0." + "A".repeat(342);

    static {
        // The package in which Lambda's runtime implements CRaC, which announces snapshots.
        System.getProperties().putIfAbsent("org.crac.Core.Compat", "com.amazonaws.services.lambda.crac");
    }

    private final ObjectMapper json = LambdaContainerHandler.getObjectMapper();
    private final SpringBootLambdaContainerHandler<HttpApiV2ProxyRequest, AwsProxyResponse> service;
    private @Nullable Authentication caller;

    public LambdaHandler() throws ContainerInitializationException {
        service = new SpringBootProxyHandlerBuilder<HttpApiV2ProxyRequest>()
                .defaultHttpApiV2Proxy()
                .servletApplication()
                .initializationWrapper(new InitializationWrapper())
                .requestReader(new Requests())
                .responseWriter(new Responses())
                .springBootApplication(UserDirectoryApplication.class)
                .profiles("lambda")
                .buildAndInitialize();
        // The default formatter would log who sent the request.
        service.setLogFormatter(null);
        Core.getGlobalContext().register(this);
    }

    /** @throws IllegalArgumentException if the event is of another kind, for the runtime to report */
    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
        JsonNode event = json.readTree(input);
        if (!event.path("version").asString("").equals("2.0")
                || !event.at("/requestContext/http/method").isString()) {
            throw new IllegalArgumentException(
                    "The event is not of an HTTP API or a function URL, with payload format version 2.0");
        }
        json.writeValue(output, answer(event, context));
    }

    private AwsProxyResponse answer(JsonNode event, @Nullable Context context) {
        JsonNode headers = event.path("headers");
        if (headers.path("upgrade").asString("").toLowerCase(Locale.ROOT).contains("websocket")) {
            return notImplemented("WebSockets");
        }
        String accept = headers.path("accept").asString("");
        String finite = Arrays.stream(accept.split(",", -1))
                .filter(type -> STREAMS.stream().noneMatch(type.strip().toLowerCase(Locale.ROOT)::startsWith))
                .collect(Collectors.joining(","));
        if (!accept.equals(finite)) {
            if (finite.isBlank()) {
                return notImplemented("Streams");
            }
            // Many clients accept both types for every operation. They get JSON, or an error if only a stream will do.
            ((ObjectNode) headers).put("accept", finite);
        }
        return service.proxy(json.treeToValue(event, HttpApiV2ProxyRequest.class), context);
    }

    private AwsProxyResponse notImplemented(String what) {
        Map<String, ?> error = Map.of(
                "message",
                what + " are not served on AWS Lambda: read `userEvents` page by page instead",
                "extensions",
                Map.of("code", "NOT_IMPLEMENTED"));
        AwsProxyResponse response = new AwsProxyResponse(501);
        response.setHeaders(Map.of("Content-Type", "application/json"));
        response.setBody(json.writeValueAsString(Map.of("errors", List.of(error))));
        return response;
    }

    /** @throws IllegalStateException if the service does not work, so that the version is not published */
    @Override
    public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
        JsonNode query = event("");
        JsonNode forged = event(FORGED_TOKEN);
        for (int round = 0; round < PRIMING_ROUNDS; round++) {
            caller = new UsernamePasswordAuthenticationToken(
                    "priming", null, AuthorityUtils.createAuthorityList("SCOPE_users:read"));
            try {
                AwsProxyResponse response = answer(query, null);
                if (response.getStatusCode() != 200
                        || !json.readTree(response.getBody()).at("/data/users").isObject()) {
                    throw new IllegalStateException("The service answers with " + response.getBody());
                }
            } finally {
                caller = null;
            }
            // Primes the verification of tokens, and fetches the issuer's keys if the issuer answers.
            answer(forged, null);
        }
    }

    @Override
    public void afterRestore(org.crac.Context<? extends Resource> context) {
        // Nothing to do: Spring resumes the pool, and the first query opens a connection.
    }

    private JsonNode event(String token) {
        Map<String, Object> headers = new LinkedHashMap<>();
        headers.put("content-type", "application/json");
        headers.put("accept", "application/json");
        if (!token.isEmpty()) {
            headers.put("authorization", "Bearer " + token);
        }
        return json.valueToTree(Map.of(
                "version",
                "2.0",
                "rawPath",
                "/graphql",
                "rawQueryString",
                "",
                "headers",
                headers,
                "requestContext",
                Map.of("http", Map.of("method", "POST", "path", "/graphql", "sourceIp", "127.0.0.1")),
                "body",
                json.writeValueAsString(Map.of("query", PRIMING_QUERY)),
                "isBase64Encoded",
                false));
    }

    /** Authenticates the handler's own requests, for which there is no valid token. */
    private class Requests extends AwsHttpApiV2HttpServletRequestReader {
        @Override
        public HttpServletRequest readRequest(
                HttpApiV2ProxyRequest event, SecurityContext security, Context context, ContainerConfig config)
                throws InvalidRequestEventException {
            HttpServletRequest request = super.readRequest(event, security, context, config);
            if (caller != null) {
                request.setAttribute(
                        RequestAttributeSecurityContextRepository.DEFAULT_REQUEST_ATTR_NAME,
                        new SecurityContextImpl(caller));
            }
            return request;
        }
    }

    /** Joins repeated headers, which payload format 2.0 does not allow: the library would keep the first alone. */
    private static class Responses extends AwsProxyHttpServletResponseWriter {
        @Override
        public AwsProxyResponse writeResponse(AwsHttpServletResponse response, Context context)
                throws InvalidResponseObjectException {
            AwsProxyResponse written = super.writeResponse(response, context);
            Map<String, String> headers = new LinkedHashMap<>();
            written.getMultiValueHeaders().forEach((name, values) -> headers.put(name, String.join(", ", values)));
            written.setHeaders(headers);
            written.setMultiValueHeaders(null);
            return written;
        }
    }
}
