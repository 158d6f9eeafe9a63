package dev.userdirectory.graphql.federation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.Base64;
import mdg.engine.proto.Reports.Trace;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@DirectoryTest
class TracingTest {
    @Autowired
    Client client;

    @Test
    void tracesEachFieldIfTheRouterRequestsATrace() throws InvalidProtocolBufferException {
        Trace trace = trace("{ users(first: 0) { totalCount } }");

        Trace.Node users = trace.getRoot().getChild(0);
        assertThat(users.getResponseName()).isEqualTo("users");
        assertThat(users.getType()).isEqualTo("UserConnection!");
        assertThat(users.getEndTime()).isGreaterThan(users.getStartTime());
        assertThat(users.getChild(0).getResponseName()).isEqualTo("totalCount");
    }

    @Test
    void hidesErrorMessagesFromTraces() throws InvalidProtocolBufferException {
        Trace.Node user = trace("{ user(id: \"x\") { name } }").getRoot().getChild(0);

        assertThat(user.getErrorList())
                .extracting(Trace.Error::getMessage)
                .containsExactly("See the response's errors");
    }

    @Test
    void tracesNothingUnlessRequested() {
        assertThat(send("{ __typename }", null).has("extensions")).isFalse();
        assertThat(send("{ __typename }", "ftv2").has("extensions")).isFalse();
    }

    private Trace trace(String document) throws InvalidProtocolBufferException {
        return Trace.parseFrom(Base64.getDecoder()
                .decode(send(document, "ftv1").at("/extensions/ftv1").asString()));
    }

    private JsonNode send(String document, @Nullable String trace) {
        HttpRequest.Builder request = HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(JsonMapper.shared()
                        .createObjectNode()
                        .put("query", document)
                        .toString()));
        if (trace != null) {
            request.header("apollo-federation-include-trace", trace);
        }
        return JsonMapper.shared().readTree(client.send(request.build()).body());
    }
}
