package dev.userdirectory.database;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param url the JDBC URL of a streaming replica that queries read from; without it, they read from the primary
 * @param username the user name at the replica, if it is not the primary's
 * @param password the password at the replica, if it is not the primary's
 * @param patience how long a query waits until the replica has replayed all commits of the primary; after that it
 *     reads from the primary
 */
@ConfigurationProperties("directory.replica")
record ReplicaProperties(
        @Nullable String url,
        @Nullable String username,
        @Nullable String password,
        @DefaultValue("100ms") Duration patience) {}
