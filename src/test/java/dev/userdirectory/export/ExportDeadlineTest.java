package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Soak;
import dev.userdirectory.Tokens;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;

/** Here, a client that does not read keeps its connection, but loses its snapshot and its place at the deadline. */
@DirectoryTest
@TestPropertySource(properties = {"directory.export.deadline=15s", "server.tomcat.connection-timeout=1m"})
class ExportDeadlineTest {
    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    MeterRegistry meters;

    @Test
    @Soak("waits for the deadline of an export")
    void endsExportsThatTakeTooLong() throws Exception {
        directory.createUser();
        ExportClient.makeLarge(jdbc);
        try (Socket socket = new ExportClient(client).open()) {
            Waiting.until(() -> ExportClient.snapshots() == 1);
            Waiting.until(() -> ExportClient.snapshots() == 0);
            Waiting.until(() -> running() == 0);

            String response = rest(socket);

            assertThat(response)
                    .startsWith("HTTP/1.1 200")
                    .contains("{\"user\":{")
                    .doesNotContain("{\"cursor\"")
                    .doesNotEndWith("\r\n0\r\n\r\n");
        } finally {
            ExportClient.makeSmall(jdbc);
        }
    }

    @Test
    void rejectsMoreThanTheLimitUntilAClientDisconnects() throws Exception {
        ExportClient exports = new ExportClient(client);
        ExportClient.makeLarge(jdbc);
        try {
            try (Socket first = exports.open("first");
                    Socket second = exports.open("second")) {
                Waiting.until(() -> ExportClient.snapshots() == 2);
                HttpResponse<String> third = exports.get();

                assertThat(running()).isEqualTo(2);
                assertThat(third.statusCode()).isEqualTo(503);
                assertThat(third.headers().firstValue("Retry-After")).contains("10");
                assertThat(third.body()).contains("\"UNAVAILABLE\"", "At most 2 exports");
                assertThat(directory.user(directory.createUser()).isObject())
                        .as("other requests are answered")
                        .isTrue();
                second.close();
                Waiting.until(() -> ExportClient.snapshots() <= 1);
                first.close();
            }
            Waiting.until(() -> ExportClient.snapshots() == 0 && running() == 0);
            assertThat(exports.lines().getLast().has("cursor")).isTrue();
        } finally {
            ExportClient.makeSmall(jdbc);
        }
    }

    @Test
    void leavesAPlaceToOtherSubjects() throws Exception {
        ExportClient.makeLarge(jdbc);
        try (Socket first = new ExportClient(client).open("first")) {
            Waiting.until(() -> ExportClient.snapshots() == 1);
            HttpResponse<String> again = new ExportClient(client.withToken(Tokens.of("first", "users:read"))).get();

            assertThat(again.statusCode()).isEqualTo(429);
            assertThat(again.headers().firstValue("Retry-After")).contains("10");
            assertThat(again.body()).contains("\"RATE_LIMITED\"", "running an export already");
            assertThat(new ExportClient(client).get().statusCode()).isEqualTo(200);
            first.close();
            Waiting.until(() -> running() == 0);
        } finally {
            ExportClient.makeSmall(jdbc);
        }
    }

    private double running() {
        return meters.get("directory.exports.running").gauge().value();
    }

    private static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
