package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

@DirectoryTest
class UserMutationsTest {
    @Autowired
    Client client;

    @Test
    void createsTheUserOfTheTutorial() {
        JsonNode user = client.data(
                        "mutation { createUser(name: \"Charlie\", email: \"charlie@example.com\") { user { id name email } } }")
                .at("/createUser/user");

        assertThat(user.get("name").asString()).isEqualTo("Charlie");
        assertThat(user.get("email").asString()).isEqualTo("charlie@example.com");
    }
}
