package dev.userdirectory.database;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param url of a streaming replica that queries are read from, as JDBC has it; none if it is not set
 * @param username at the replica, if it is another one
 * @param password at the replica, if it is another one
 * @param patience how long a query waits for the replica to have what the primary has before it is read from there
 */
@ConfigurationProperties("directory.replica")
record ReplicaProperties(
        @Nullable String url,
        @Nullable String username,
        @Nullable String password,
        @DefaultValue("100ms") Duration patience) {}
