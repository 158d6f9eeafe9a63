package dev.userdirectory;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class UserDirectoryApplication {
    /** @param args {@code migrate}, to bring the database up to date and end; else Spring's, to serve */
    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("migrate")) {
            Migration.run(args);
        } else {
            SpringApplication.run(UserDirectoryApplication.class, args);
        }
    }
}
