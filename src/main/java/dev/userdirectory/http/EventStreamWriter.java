package dev.userdirectory.http;

import jakarta.servlet.ServletException;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;

/** GraphQL over server-sent events. */
public interface EventStreamWriter {
    /** Executes the operation and responds with a stream of its results. */
    ServerResponse handleRequest(ServerRequest request) throws ServletException;

    /** Responds with the stream of an operation that turned out to be a subscription. */
    ServerResponse stream(ServerRequest request, WebGraphQlResponse response);
}
