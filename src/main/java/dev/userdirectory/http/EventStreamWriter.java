package dev.userdirectory.http;

import jakarta.servlet.ServletException;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;

/** GraphQL over server-sent events. */
public interface EventStreamWriter {
    /** Executes the operation, whose results are a stream. */
    ServerResponse handleRequest(ServerRequest request) throws ServletException;

    /** The stream of an operation that turned out to be a subscription. */
    ServerResponse stream(ServerRequest request, WebGraphQlResponse response);
}
