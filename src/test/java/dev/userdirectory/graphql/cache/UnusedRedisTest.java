package dev.userdirectory.graphql.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.DirectoryTest;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.data.redis.connection.RedisConnectionFactory;

/** The other tests of this package use Redis. */
@DirectoryTest
class UnusedRedisTest {
    @Test
    void setsUpNoClientWithoutAnAddress(@Autowired ObjectProvider<RedisConnectionFactory> clients) {
        assertThat(clients).isEmpty();
    }
}
