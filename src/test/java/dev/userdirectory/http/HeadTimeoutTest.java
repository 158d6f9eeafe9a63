package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.SharedSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@DirectoryTest
@SharedSettings // the time for a head
class HeadTimeoutTest {
    private static final String BODY = "{\"query\":\"{__typename}\"}";
    private static final String HEAD = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: " + BODY.length() + "\r\n";

    @Autowired
    Client client;

    /** @param sent sent at once, before one byte every 200 ms that never completes the head */
    @ParameterizedTest
    @ValueSource(strings = {"", "GET /", "GET / HTTP/1.1\r\nHost: localhost\r\nX-", "EMPTY LINES", "AFTER A REQUEST"})
    void closesConnectionWhoseHeadArrivesByteByByte(String sent) throws IOException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            OutputStream out = socket.getOutputStream();
            boolean afterRequest = sent.equals("AFTER A REQUEST");
            if (afterRequest) {
                out.write((HEAD + "\r\n" + BODY).getBytes(StandardCharsets.US_ASCII));
                assertThat(readResponse(socket)).startsWith("HTTP/1.1 200").endsWith("}");
            }
            long started = System.nanoTime();
            if (afterRequest) {
                out.write("GET / HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII));
            } else if (!sent.equals("EMPTY LINES")) {
                out.write(sent.getBytes(StandardCharsets.US_ASCII));
            }

            assertThat(closes(socket, sent.equals("EMPTY LINES") ? '\n' : 'x')).isTrue();
            assertThat(Duration.ofNanos(System.nanoTime() - started))
                    .isBetween(Duration.ofMillis(1_500), Duration.ofSeconds(8));
        }
    }

    @Test
    void acceptsHeadThatArrivesInPiecesInTime() throws IOException, InterruptedException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            OutputStream out = socket.getOutputStream();
            // Four requests in more than two seconds, to see that the time of the last does not start with the first.
            for (int request = 0; request < 4; request++) {
                for (String piece : (HEAD + "|\r\n" + BODY).split("(?<=POST)|(?<=Host:)|\\|", -1)) {
                    out.write(piece.getBytes(StandardCharsets.US_ASCII));
                    out.flush();
                    Thread.sleep(50);
                }
                assertThat(readResponse(socket)).startsWith("HTTP/1.1 200").endsWith("}");
                Thread.sleep(700);
            }
        }
    }

    /** The limit applies to heads; bodies are limited by the request's deadline. */
    @Test
    void doesNotLimitTheTimeForTheBody() throws IOException, InterruptedException {
        try (Socket socket = new Socket("localhost", client.uri("/").getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write((HEAD + "\r\n").getBytes(StandardCharsets.US_ASCII));
            Thread.sleep(3_000);
            out.write(BODY.getBytes(StandardCharsets.US_ASCII));

            assertThat(readResponse(socket)).startsWith("HTTP/1.1 200").endsWith("}");
        }
    }

    /** @return whether the service closes the connection, while a byte is sent every 200 ms for ten seconds */
    private static boolean closes(Socket socket, char drip) throws IOException {
        socket.setSoTimeout(200);
        for (int i = 0; i < 50; i++) {
            try {
                socket.getOutputStream().write(drip);
                if (socket.getInputStream().read() < 0) {
                    return true;
                }
            } catch (SocketTimeoutException e) {
                // The connection is still open.
            } catch (SocketException e) {
                return true;
            }
        }
        return false;
    }

    private static String readResponse(Socket socket) throws IOException {
        socket.setSoTimeout(10_000);
        InputStream in = socket.getInputStream();
        StringBuilder response = new StringBuilder();
        while (!response.toString().endsWith("}")) {
            int character = in.read();
            if (character < 0) {
                break;
            }
            response.append((char) character);
        }
        return response.append(response.toString().endsWith("}}") ? "" : rest(in))
                .toString();
    }

    private static String rest(InputStream in) throws IOException {
        return new String(in.readNBytes(in.available()), StandardCharsets.UTF_8);
    }
}
