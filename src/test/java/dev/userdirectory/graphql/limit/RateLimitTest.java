package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.context.support.StaticApplicationContext;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A budget that does not refill while the test runs. */
@DirectoryTest
@TestPropertySource(
        properties = {
            "directory.limits.cost=100",
            "directory.rate-limit.cost=250",
            "directory.rate-limit.period=30d",
            "directory.security.introspection=open"
        })
class RateLimitTest {
    /** Costs 98. */
    private static final String PAGE = "{ users(first: 97) { nodes { id } } } # ";

    /** Keeps pages from being answered from the cache, which costs nothing. */
    private static final AtomicInteger PAGES = new AtomicInteger();

    private static final String MUTATION =
            "mutation ($email: String!) { createUser(name: \"Late\", email: $email) { user { id } errors { code } } }";

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Test
    void rejectsRequestWithStatus429OnceTheSubjectsBudgetIsSpent() {
        Client greedy = subject("greedy");
        exhaust(greedy);

        String email = Directory.newEmail();
        HttpResponse<String> refused = greedy.post(MUTATION, Map.of("email", email));
        JsonNode body = JsonMapper.shared().readTree(refused.body());
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.headers().firstValueAsLong("Retry-After").orElse(0)).isPositive();
        assertThat(body.has("data")).isFalse();
        assertThat(body.at("/errors/0/extensions/code").asString()).isEqualTo("RATE_LIMITED");
        assertThat(body.at("/errors/0/extensions/retryAfter").asLong())
                .isEqualTo(refused.headers().firstValueAsLong("Retry-After").orElse(0));

        Client other = subject("modest");
        assertThat(other.data("query ($email: String!) { userByEmail(email: $email) { id } }", Map.of("email", email))
                        .get("userByEmail")
                        .isNull())
                .isTrue();
    }

    @Test
    void rejectsGetOnceTheBudgetIsSpent() {
        Client greedy = subject("greedy by GET");
        exhaust(greedy);
        HttpResponse<String> refused = greedy.send(HttpRequest.newBuilder(client.uri("/graphql?query="
                        + URLEncoder.encode("{ users(first: 95) { nodes { id } } }", StandardCharsets.UTF_8)))
                .header("Accept", "application/json")
                .build());
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    }

    @Test
    void exportTakesTheMaximumCostOfAnOperation() {
        Client greedy = subject("exporter");

        assertThat(export(greedy).statusCode()).isEqualTo(200);
        assertThat(export(greedy).statusCode()).isEqualTo(200);
        assertThat(cost(greedy).at("/budget/remaining").asInt()).isLessThan(50);
        HttpResponse<String> refused = export(greedy);
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.body()).contains("\"RATE_LIMITED\"", "costs 100");
        assertThat(refused.headers().firstValueAsLong("Retry-After").orElse(0)).isPositive();
        assertThat(export(subject("another exporter")).statusCode()).isEqualTo(200);
    }

    private static HttpResponse<String> export(Client client) {
        return client.send(HttpRequest.newBuilder(client.uri("/export")).build());
    }

    @Test
    void reportsTheRemainingBudgetOnRequest() {
        Client curious = subject("curious");
        JsonNode first = cost(curious);
        JsonNode second = cost(curious);

        assertThat(first.at("/budget/limit").asInt()).isEqualTo(250);
        assertThat(first.at("/budget/remaining").asInt())
                .isEqualTo(250 - Math.max(1, first.get("requested").asInt()));
        assertThat(second.at("/budget/remaining").asInt())
                .isEqualTo(first.at("/budget/remaining").asInt()
                        - first.get("requested").asInt());
    }

    private static JsonNode cost(Client client) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json")
                .header("GraphQL-Cost", "report")
                .POST(HttpRequest.BodyPublishers.ofString("{\"query\": \"{ users(first: 3) { nodes { id } } }\"}"))
                .build());
        return JsonMapper.shared().readTree(response.body()).at("/extensions/cost");
    }

    /** Each operation costs at least 1. */
    @Test
    void callersWithoutTokenShareTheBudgetOfTheirAddress() {
        Client anonymous = client.anonymous();
        List<Integer> statuses = java.util.stream.IntStream.range(0, 260)
                .mapToObj(i -> anonymous.post("{ __typename }").statusCode())
                .toList();
        assertThat(statuses).startsWith(200).endsWith(429);
        assertThat(subject("with a token").data("{ __typename }")).isNotNull();
    }

    @Test
    void doesNotStartWithABudgetThatSomeOperationsExceed() {
        RateLimits tooLittle = new RateLimits(99L, java.time.Duration.ofMinutes(1));
        Limits limits = new Binder(new MapConfigurationPropertySource(Map.of("directory.limits.cost", "100")))
                .bind("directory.limits", Bindable.of(Limits.class))
                .get();
        assertThatThrownBy(() -> new CostBudgets(
                        tooLittle, limits, new StaticApplicationContext().getBeanProvider(SharedBudgets.class)))
                .hasMessageContaining("directory.rate-limit.cost (99) must be at least directory.limits.cost (100)");
    }

    private Client subject(String name) {
        return client.withToken(Tokens.of(name, "users:read users:write"));
    }

    private static void exhaust(Client client) {
        for (int i = 0; i < 2; i++) {
            assertThat(client.data(PAGE + PAGES.incrementAndGet())).isNotNull();
        }
        int attempts = 0;
        while (client.post(
                                        "query ($id: ID!) { node(id: $id) { id } user(id: $id) { id } }",
                                        Map.of("id", "VXNlcjow" + attempts))
                                .statusCode()
                        != 429
                && attempts++ < 260) {}
    }
}
