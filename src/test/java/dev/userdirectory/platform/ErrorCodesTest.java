package dev.userdirectory.platform;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class ErrorCodesTest {
    @Autowired
    Client client;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            { user(                                           | GRAPHQL_PARSE_FAILED
            { nothing }                                       | GRAPHQL_VALIDATION_FAILED
            { users(first: "1") { totalCount } }              | GRAPHQL_VALIDATION_FAILED
            query ($id: ID!) { user(id: $id) { name } }       | BAD_USER_INPUT
            { user(id: "x") { name } }                        | BAD_USER_INPUT
            """)
    void errorsCarryTheirCode(String document, String code) {
        JsonNode error = client.error(document, Map.of());

        assertThat(error.at("/extensions/code").asString()).isEqualTo(code);
        assertThat(error.at("/extensions/errorType").asString()).isEqualTo("BAD_REQUEST");
    }
}
