package dev.userdirectory;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class UserDirectoryApplication {
    /** Tomcat's property for the size of the buffers of a socket. */
    private static final String SOCKET_BUFFER_BYTES = "org.apache.tomcat.websocket.DEFAULT_BUFFER_SIZE";

    /** @param args {@code migrate} to migrate the database and exit; otherwise the arguments of Spring, to serve */
    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("migrate")) {
            Migration.run(args);
        } else {
            // An open socket keeps three such buffers, and most sockets are idle. Longer messages arrive in parts.
            System.getProperties().putIfAbsent(SOCKET_BUFFER_BYTES, "1024");
            SpringApplication application = new SpringApplication(UserDirectoryApplication.class);
            application.addListeners(new PortCheck());
            application.run(args);
        }
    }
}
