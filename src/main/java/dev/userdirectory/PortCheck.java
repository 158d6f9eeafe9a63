package dev.userdirectory;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.Environment;

/** Logs one line and exits if a port is taken, before anything starts that is slow or would have to be stopped. */
class PortCheck implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {
    private static final Logger log = LoggerFactory.getLogger(PortCheck.class);

    /** The prefixes of the properties {@code port} and {@code address}. Only the local run has an issuer of its own. */
    private static final List<String> SERVERS = List.of("server", "management.server", "directory.local-issuer");

    @Override
    public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
        Environment environment = event.getEnvironment();
        for (String server : SERVERS) {
            int otherwise = server.equals("server") ? 8080 : 0;
            int port = environment.getProperty(server + ".port", Integer.class, otherwise);
            if (port > 0 && isTaken(environment.getProperty(server + ".address"), port)) {
                // Only spring-boot:test-run has this profile. The quotes are for PowerShell.
                String option = environment.matchesProfiles("local")
                        ? "\"-Dspring-boot.run.arguments=--%s.port=…\""
                        : "--%s.port=…";
                log.error("Port {} is taken. Choose another one with {}", port, option.formatted(server));
                System.exit(1);
            }
        }
    }

    private static boolean isTaken(@Nullable String address, int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, address == null ? null : InetAddress.getByName(address))) {
            return !socket.isBound();
        } catch (BindException e) {
            return String.valueOf(e.getMessage()).contains("in use");
        } catch (IOException e) {
            return false; // The server will report what is wrong with its address.
        }
    }
}
