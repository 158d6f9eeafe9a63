package dev.userdirectory;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.Map;

/**
 * The health check of the image, which contains no shell tool that could do it. It exits with 0 if the service of this
 * container is ready for requests, and with 1 otherwise. It takes the port from the same environment variables as the
 * service: {@code MANAGEMENT_SERVER_PORT}, or else {@code SERVER_PORT}.
 */
final class HealthCheck {
    private HealthCheck() {}

    public static void main(String[] args) throws IOException {
        Map<String, String> environment = System.getenv();
        String port =
                environment.getOrDefault("MANAGEMENT_SERVER_PORT", environment.getOrDefault("SERVER_PORT", "8080"));
        URI readiness = URI.create("http://localhost:" + port + "/actuator/health/readiness");
        HttpURLConnection connection = (HttpURLConnection) readiness.toURL().openConnection();
        connection.setConnectTimeout(2_000);
        connection.setReadTimeout(2_000);
        if (connection.getResponseCode() != 200) {
            System.err.println("Not ready: " + readiness + " answers " + connection.getResponseCode());
            System.exit(1);
        }
    }
}
