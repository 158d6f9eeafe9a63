package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;

/** Behind a proxy that terminates TLS, the service's own pages have an https origin that the service does not see. */
@DirectoryTest
@SharedSettings // the forwarded headers
class ForwardedTest {
    @Autowired
    Client client;

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "none", textBlock = """
            https | https://directory.example      | 200
            http  | http://directory.example       | 200
            none  | https://directory.example      | 403
            http  | https://directory.example      | 403
            https | http://directory.example       | 403
            https | https://directory.example:8443 | 403
            https | https://evil.example           | 403
            """)
    void knowsItsOwnOrigin(String protocol, String origin, int status) throws IOException {
        String query = exchange("POST /graphql HTTP/1.1", protocol, origin, """
                Content-Type: application/json
                Content-Length: 26

                {"query":"{ __typename }"}""");
        assertThat(query)
                .startsWith("HTTP/1.1 " + status)
                .contains(status == 200 ? "{\"data\":{\"__typename\":\"Query\"}}" : "\"code\":\"FORBIDDEN\"");

        String socket = exchange("GET /graphql HTTP/1.1", protocol, origin, """
                Connection: Upgrade
                Upgrade: websocket
                Sec-WebSocket-Version: 13
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
                Sec-WebSocket-Protocol: graphql-transport-ws

                """);
        assertThat(socket).startsWith("HTTP/1.1 " + (status == 200 ? 101 : status));
    }

    @Test
    void servesGraphiql() throws IOException {
        String page = exchange("GET /graphiql HTTP/1.1", "https", "https://directory.example", "\n");

        assertThat(page).startsWith("HTTP/1.1 200").contains("graphiql/page.js").doesNotContain("http://directory");
    }

    /** Returns the first part of the response as it arrives. */
    private String exchange(String requestLine, String protocol, String origin, String rest) throws IOException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            socket.setSoTimeout(10_000);
            String forwarded = protocol == null ? "" : "X-Forwarded-Proto: " + protocol + "\n";
            String request = requestLine + "\nHost: directory.example\nX-Forwarded-For: 203.0.113.7\n" + forwarded
                    + "Origin: " + origin + "\n" + rest;
            socket.getOutputStream().write(request.replace("\n", "\r\n").getBytes(StandardCharsets.US_ASCII));
            // So that the server closes the connection after its response.
            socket.shutdownOutput();
            StringBuilder response = new StringBuilder();
            byte[] buffer = new byte[8192];
            do {
                int read = socket.getInputStream().read(buffer);
                if (read < 0) {
                    break;
                }
                response.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
            } while (!response.toString().contains("101 "));
            return response.toString();
        }
    }
}
