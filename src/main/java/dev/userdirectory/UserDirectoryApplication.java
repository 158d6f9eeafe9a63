package dev.userdirectory;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class UserDirectoryApplication {
    /** Tomcat's own name for it. */
    private static final String SOCKET_BUFFER_BYTES = "org.apache.tomcat.websocket.DEFAULT_BUFFER_SIZE";

    /** @param args {@code migrate}, to bring the database up to date and end; else Spring's, to serve */
    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("migrate")) {
            Migration.run(args);
        } else {
            // Each socket has three of them for as long as it is open, and most wait; longer messages come in parts.
            System.getProperties().putIfAbsent(SOCKET_BUFFER_BYTES, "1024");
            SpringApplication.run(UserDirectoryApplication.class, args);
        }
    }
}
