package dev.userdirectory.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.test.context.TestPropertySource;

/** A client that does not read keeps its connection here, but neither a snapshot nor a place. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.export.deadline=3s",
            "directory.export.concurrency=1",
            "server.tomcat.connection-timeout=1m"
        })
class ExportDeadlineTest {
    @Autowired
    Client client;

    @Autowired
    JdbcTemplate jdbc;

    @Autowired
    MeterRegistry meters;

    @Test
    void endsExportsThatTakeTooLong() throws Exception {
        ExportClient.makeLarge(jdbc);
        try (Socket socket = new ExportClient(client).open()) {
            Waiting.until(() -> ExportClient.snapshots() == 1);
            Waiting.until(() -> ExportClient.snapshots() == 0);
            Waiting.until(() -> meters.get("directory.exports.running").gauge().value() == 0);

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

    private static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
