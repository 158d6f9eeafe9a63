package dev.userdirectory.lambda;

import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Runs queries before a snapshot, so that its classes are loaded and its code is compiled. */
class Priming {
    private static final int ROUNDS = 30;
    private static final String QUERY = "{ users(first: 2, orderBy: {field: NAME}) { totalCount nodes { id name"
            + " email createdAt groups(first: 2) { nodes { id name } } } pageInfo { hasNextPage endCursor } } }";
    /** Well-formed, but its signature is not valid. */
    private static final String FORGED_TOKEN =
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJwcmltaW5nIn0." + "A".repeat(342);

    interface Service {
        AwsProxyResponse answer(JsonNode event);
    }

    private final Requests requests;
    private final ObjectMapper json;
    private final Service service;

    Priming(Requests requests, ObjectMapper json, Service service) {
        this.requests = requests;
        this.json = json;
        this.service = service;
    }

    /** @throws IllegalStateException if the service does not work */
    void run() {
        JsonNode query = event("");
        JsonNode forged = event(FORGED_TOKEN);
        for (int round = 0; round < ROUNDS; round++) {
            AwsProxyResponse response = requests.authenticated(() -> service.answer(query));
            if (response.getStatusCode() != 200
                    || !json.readTree(response.getBody()).at("/data/users").isObject()) {
                throw new IllegalStateException("The service responded with " + response.getBody());
            }
            // Primes the verification of tokens, and fetches the issuer's keys if the issuer answers.
            service.answer(forged);
        }
    }

    private JsonNode event(String token) {
        Map<String, Object> headers = new LinkedHashMap<>();
        headers.put("content-type", "application/json");
        headers.put("accept", "application/json");
        if (!token.isEmpty()) {
            headers.put("authorization", "Bearer " + token);
        }
        return json.valueToTree(Map.of(
                "version",
                "2.0",
                "rawPath",
                "/graphql",
                "rawQueryString",
                "",
                "headers",
                headers,
                "requestContext",
                Map.of("http", Map.of("method", "POST", "path", "/graphql", "sourceIp", "127.0.0.1")),
                "body",
                json.writeValueAsString(Map.of("query", QUERY)),
                "isBase64Encoded",
                false));
    }
}
