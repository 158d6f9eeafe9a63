package dev.userdirectory.lambda;

import com.zaxxer.hikari.HikariCredentialsProvider;
import com.zaxxer.hikari.util.Credentials;
import java.time.Duration;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the database's user name and password from the secret that the variable {@code DATABASE_SECRET} names, so that
 * they are not part of the function's configuration. Each new connection reads them, so the password can be rotated.
 */
public class DatabaseSecret implements HikariCredentialsProvider {
    static final String VARIABLE = "DATABASE_SECRET";
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final SecretsManagerClient secrets = SecretsManagerClient.builder()
            .httpClientBuilder(UrlConnectionHttpClient.builder()
                    .connectionTimeout(PATIENCE)
                    .socketTimeout(PATIENCE))
            .build();

    @Override
    public Credentials getCredentials() {
        JsonNode secret = JsonMapper.shared()
                .readTree(secrets.getSecretValue(request -> request.secretId(System.getenv(VARIABLE)))
                        .secretString());
        return Credentials.of(
                secret.required("username").asString(),
                secret.required("password").asString());
    }
}
