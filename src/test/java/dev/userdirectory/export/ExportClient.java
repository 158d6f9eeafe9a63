package dev.userdirectory.export;

import dev.userdirectory.Client;
import dev.userdirectory.TestPostgres;
import dev.userdirectory.Tokens;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Exports the directory of the service under test. */
final class ExportClient {
    /** More than the buffers of a connection hold. */
    private static final int LARGE = 8000;

    private final Client client;

    ExportClient(Client client) {
        this.client = client;
    }

    HttpResponse<String> get() {
        return client.send(HttpRequest.newBuilder(client.uri("/export")).build());
    }

    /** The lines of a complete export. */
    List<JsonNode> lines() {
        return get().body().lines().map(JsonMapper.shared()::readTree).toList();
    }

    /** Sends the request, and reads nothing of the response. */
    Socket open() throws IOException {
        return open("somebody");
    }

    Socket open(String subject) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(new InetSocketAddress("localhost", client.uri("/").getPort()));
        socket.getOutputStream()
                .write("""
                GET /export HTTP/1.1\r
                Host: localhost\r
                Authorization: Bearer %s\r
                \r
                """.formatted(Tokens.of(subject, "users:read")).getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    /** The snapshots that PostgreSQL keeps for exports. */
    static int snapshots() throws SQLException {
        try (Connection connection = TestPostgres.connect();
                Statement statement = connection.createStatement();
                ResultSet count = statement.executeQuery("select count(*) from pg_stat_activity"
                        + " where application_name = 'user-directory export' and xact_start is not null")) {
            count.next();
            return count.getInt(1);
        }
    }

    /** Adds groups, so that an export waits for a client that does not read. */
    static void makeLarge(JdbcTemplate jdbc) {
        jdbc.update("""
                insert into groups (id, name, description, created_at, updated_at, version)
                select uuidv7(), 'Large', repeat('0123456789', 200), now(), now(), 0 from generate_series(1, ?)
                """, LARGE);
    }

    static void makeSmall(JdbcTemplate jdbc) {
        jdbc.update("delete from groups where name = 'Large'");
    }
}
