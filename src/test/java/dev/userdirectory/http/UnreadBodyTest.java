package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@DirectoryTest
@SharedSettings // the limit on heads, which also applies to bodies that nothing reads
class UnreadBodyTest {
    private static final String BAD_TOKEN =
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\n";

    @Autowired
    Client client;

    /** @param head of a request whose body never ends; one byte of it is sent every 200 ms */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
                "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
                BAD_TOKEN + "Content-Length: 1000000\r\n\r\n",
                BAD_TOKEN + "Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
                // An extension and a trailer, which Tomcat reads to their ends at once.
                BAD_TOKEN + "Transfer-Encoding: chunked\r\n\r\n1;",
                BAD_TOKEN + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: "
            })
    void closesConnectionWhoseUnreadBodyArrivesByteByByte(String head) throws Exception {
        try (Socket socket = open()) {
            OutputStream out = socket.getOutputStream();
            out.write(head.getBytes(StandardCharsets.US_ASCII));
            CompletableFuture<byte[]> response = CompletableFuture.supplyAsync(() -> readAll(socket));
            for (int i = 0; i < 100 && !response.isDone(); i++) {
                writeIfOpen(out);
                Thread.sleep(200);
            }

            assertThat(response)
                    .as("the response, up to the end of the connection")
                    .isDone();
            assertThat(new String(response.get(), StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 ");
        }
    }

    @Test
    void closesConnectionWhoseChunkHasAnEndlessHead() throws Exception {
        try (Socket socket = open()) {
            String head = BAD_TOKEN.replace("Authorization: Bearer x\r\n", "") + "Transfer-Encoding: chunked\r\n\r\n1;";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            CompletableFuture<byte[]> end = CompletableFuture.supplyAsync(() -> readAll(socket));
            for (int i = 0; i < 100 && !end.isDone(); i++) {
                writeIfOpen(socket.getOutputStream());
                Thread.sleep(200);
            }

            assertThat(end).as("the end of the connection").isDone();
        }
    }

    @Test
    void readsChunks() throws IOException {
        try (Socket socket = open()) {
            String query = "{\"query\":\"{__typename}\"}";
            String request = BAD_TOKEN.replace("Authorization: Bearer x\r\n", "Connection: close\r\n")
                    + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
                    + Integer.toHexString(query.length() - 1) + "\r\n" + query.substring(1) + "\r\n0\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));

            assertThat(new String(readAll(socket), StandardCharsets.US_ASCII)).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void keepsConnectionWhoseUnreadBodyHasArrived() throws IOException {
        try (Socket socket = open()) {
            socket.setSoTimeout(10_000);
            for (int i = 0; i < 3; i++) {
                String request = BAD_TOKEN + "Content-Length: 50000\r\n\r\n" + "x".repeat(50_000);
                socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
                InputStream in = socket.getInputStream();
                StringBuilder response = new StringBuilder();
                while (!response.toString().endsWith("}]}")) {
                    int character = in.read();
                    assertThat(character).as("a character after " + response).isNotNegative();
                    response.append((char) character);
                }
                assertThat(response.toString()).startsWith("HTTP/1.1 401").doesNotContain("Connection: close");
            }
        }
    }

    private Socket open() throws IOException {
        return new Socket("localhost", client.uri("/").getPort());
    }

    private static void writeIfOpen(OutputStream out) {
        try {
            out.write('x');
        } catch (IOException e) {
            // The service has closed the connection.
        }
    }

    private static byte[] readAll(Socket socket) {
        try {
            return socket.getInputStream().readAllBytes();
        } catch (IOException e) {
            return new byte[0];
        }
    }
}
