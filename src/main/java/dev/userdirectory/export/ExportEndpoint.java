package dev.userdirectory.export;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.http.HttpError;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.servlet.function.RequestPredicates;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerRequest;
import org.springframework.web.servlet.function.ServerResponse;
import tools.jackson.core.exc.JacksonIOException;

/**
 * Serves exports. The response has no Content-Length. If it cannot be completed, its connection is cut, so that clients
 * do not mistake it for complete.
 */
@Configuration(proxyBeanMethods = false)
class ExportEndpoint {
    private static final Logger log = LoggerFactory.getLogger(ExportEndpoint.class);
    private static final MediaType JSON_LINES = new MediaType("application", "jsonl");
    private static final HttpError OTHER_METHOD =
            new HttpError(ErrorCode.METHOD_NOT_ALLOWED, "Export by GET").with(HttpHeaders.ALLOW, "GET,HEAD");

    /** Not on AWS Lambda, which would send the whole directory as a single buffered response. */
    @Bean
    @Profile("!lambda")
    RouterFunction<ServerResponse> exportsOverHttp(Exports exports) {
        return RouterFunctions.route(RequestPredicates.path("/export"), request -> answer(request, exports));
    }

    private static ServerResponse answer(ServerRequest request, Exports exports) throws SQLException {
        ServerResponse.BodyBuilder ok = ServerResponse.ok().contentType(JSON_LINES);
        if (request.method().equals(HttpMethod.HEAD)) {
            return ok.build();
        }
        if (!request.method().equals(HttpMethod.GET)) {
            return OTHER_METHOD.response(request);
        }
        Caller caller = Caller.of(SecurityContextHolder.getContext().getAuthentication());
        Export export;
        try {
            export = exports.begin(caller.account());
        } catch (Exports.Rejected e) {
            return e.error.response(request);
        }
        return ok.build((servletRequest, response) -> {
            write(export, servletRequest, response);
            return null;
        });
    }

    private static void write(Export export, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        try {
            export.writeTo(response.getOutputStream());
        } catch (RuntimeException | Error e) {
            if (export.isClosed()) {
                log.warn("An export took longer than directory.export.deadline and was ended");
            } else if (!(e instanceof JacksonIOException)) {
                log.error("An export failed", e);
            }
            Operation.Client client = Operation.of(request).client;
            if (client == null) {
                throw new IOException("The export is not complete", e);
            }
            client.cut();
        } finally {
            export.close();
        }
    }
}
