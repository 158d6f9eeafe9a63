package dev.userdirectory.lambda;

import com.amazonaws.serverless.exceptions.ContainerInitializationException;
import com.amazonaws.serverless.proxy.InitializationWrapper;
import com.amazonaws.serverless.proxy.internal.LambdaContainerHandler;
import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import com.amazonaws.serverless.proxy.model.HttpApiV2ProxyRequest;
import com.amazonaws.serverless.proxy.spring.SpringBootLambdaContainerHandler;
import com.amazonaws.serverless.proxy.spring.SpringBootProxyHandlerBuilder;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import dev.userdirectory.UserDirectoryApplication;
import dev.userdirectory.database.Upkeep;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.http.HttpError;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.crac.Core;
import org.crac.Resource;
import org.jspecify.annotations.Nullable;
import org.springframework.web.context.support.WebApplicationContextUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Handles the events of API Gateway's HTTP APIs and of function URLs: payload format 2.0, one HTTP request per event.
 * The event of a schedule runs the service's periodic work, such as deleting old events of the feed.
 *
 * <p>Before SnapStart takes a snapshot, the handler runs its own queries, so that a restored function has its classes
 * loaded and its code compiled. Spring then closes the database connections and allows new ones after the restoration.
 */
public class LambdaHandler implements RequestStreamHandler, Resource {
    /** Types of responses that do not end, which AWS Lambda cannot send. */
    private static final Set<String> STREAMS = Set.of("text/event-stream", "text/*", "multipart/mixed");

    private static final String EVENTS = "`directoryEvents`";

    /** The source of the events of EventBridge's rules. */
    private static final String SCHEDULE = "aws.events";

    /** The rest of an invocation's time, in which scheduled work finishes its last statement. */
    private static final Duration RESERVE = Duration.ofSeconds(10);

    static {
        // The package in which Lambda's runtime implements CRaC, which announces snapshots.
        System.getProperties().putIfAbsent("org.crac.Core.Compat", "com.amazonaws.services.lambda.crac");
    }

    private final ObjectMapper json = LambdaContainerHandler.getObjectMapper();
    private final Requests requests = new Requests();
    private final SpringBootLambdaContainerHandler<HttpApiV2ProxyRequest, AwsProxyResponse> service;

    public LambdaHandler() throws ContainerInitializationException {
        service = new SpringBootProxyHandlerBuilder<HttpApiV2ProxyRequest>()
                .defaultHttpApiV2Proxy()
                .servletApplication()
                .initializationWrapper(new InitializationWrapper())
                .requestReader(requests)
                .responseWriter(new Responses())
                .springBootApplication(UserDirectoryApplication.class)
                .profiles("lambda")
                .buildAndInitialize();
        // The default formatter would log the sender of each request.
        service.setLogFormatter(null);
        Core.getGlobalContext().register(this);
    }

    /** @throws IllegalArgumentException if the event is of another kind, for the runtime to report */
    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
        JsonNode event = json.readTree(input);
        if (event.path("source").asString("").equals(SCHEDULE)) {
            runUpkeep(Duration.ofMillis(context.getRemainingTimeInMillis()).minus(RESERVE));
            json.writeValue(output, Map.of());
            return;
        }
        if (!event.path("version").asString("").equals("2.0")
                || !event.at("/requestContext/http/method").isString()) {
            throw new IllegalArgumentException(
                    "The event is not of an HTTP API or a function URL, with payload format version 2.0, or of a schedule");
        }
        json.writeValue(output, answer(event, context));
    }

    /** @throws IllegalStateException if it fails, for the runtime to report */
    private void runUpkeep(Duration time) {
        try {
            for (Upkeep upkeep : WebApplicationContextUtils.getRequiredWebApplicationContext(
                            service.getServletContext())
                    .getBeansOfType(Upkeep.class)
                    .values()) {
                upkeep.run(time);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("The scheduled work failed: " + e.getMessage(), e);
        }
    }

    private AwsProxyResponse answer(JsonNode event, @Nullable Context context) {
        JsonNode headers = event.path("headers");
        if (headers.path("upgrade").asString("").toLowerCase(Locale.ROOT).contains("websocket")) {
            return notImplemented("WebSockets", EVENTS);
        }
        if (event.path("rawPath").asString("").equals("/export")) {
            return notImplemented("Exports", "`users` and `groups`");
        }
        String accepted = headers.path("accept").asString("");
        String finite = Arrays.stream(accepted.split(",", -1))
                .filter(type -> STREAMS.stream().noneMatch(type.strip().toLowerCase(Locale.ROOT)::startsWith))
                .collect(Collectors.joining(","));
        if (!accepted.equals(finite)) {
            if (finite.isBlank()) {
                return notImplemented("Streams", EVENTS);
            }
            // Many clients accept both types for every operation. They get JSON, or an error if only a stream will do.
            ((ObjectNode) headers).put("accept", finite);
        }
        return service.proxy(json.treeToValue(event, HttpApiV2ProxyRequest.class), context);
    }

    private AwsProxyResponse notImplemented(String what, String instead) {
        HttpError error = new HttpError(
                ErrorCode.NOT_IMPLEMENTED,
                what + " are not served on AWS Lambda: read " + instead + " page by page instead");
        AwsProxyResponse response = new AwsProxyResponse(error.status().value());
        response.setHeaders(Map.of("Content-Type", "application/json"));
        response.setBody(json.writeValueAsString(error.body()));
        return response;
    }

    /** @throws IllegalStateException if the service does not work, so that the version is not published */
    @Override
    public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
        new Priming(requests, json, event -> answer(event, null)).run();
    }

    @Override
    public void afterRestore(org.crac.Context<? extends Resource> context) {
        // Nothing to do: Spring resumes the pool, and the first query opens a connection.
    }
}
