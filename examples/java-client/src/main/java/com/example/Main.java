package com.example;

import com.example.directory.types.CreateUserPayload;
import com.example.directory.types.InputError;
import com.example.directory.types.UpdateUserPayload;
import com.example.directory.types.User;
import com.example.directory.types.UserConnection;
import java.util.List;
import org.springframework.graphql.client.FieldAccessException;

/** Signs in, pages through the users, and creates, renames and deletes one. */
public class Main {
    private static final String DIRECTORY = environment("DIRECTORY_URL", "http://localhost:8080/graphql");
    private static final String TOKENS = environment("TOKEN_URL", "http://localhost:8090/default/token");

    public static void main(String[] args) {
        DirectoryClient directory = new DirectoryClient(DIRECTORY, LocalIdentityProvider.signIn(TOKENS, "alice"));
        listUsers(directory);
        askForTooMany(directory);

        User charlie = create(directory);
        System.out.println("Created " + charlie.getName() + ", version " + charlie.getVersion());
        System.out.println("Again: " + reasons(directory.createUser("Charlie", "charlie@client.example").getErrors()));

        UpdateUserPayload renamed = directory.rename(charlie, "Charles");
        System.out.println("Renamed to " + renamed.getUser().getName() + ", version " + renamed.getUser().getVersion());
        // As if somebody else had renamed the user after this program had read it.
        System.out.println("Too late: " + reasons(directory.rename(charlie, "Chuck").getErrors()));

        directory.delete(charlie);
        System.out.println("Deleted");
    }

    private static void listUsers(DirectoryClient directory) {
        String cursor = null;
        boolean more = true;
        while (more) {
            UserConnection page = directory.users(20, cursor);
            List<User> users = page.getNodes();
            System.out.printf(
                    "%d users, %s to %s%n",
                    users.size(),
                    users.get(0).getName(),
                    users.get(users.size() - 1).getName());
            more = page.getPageInfo().getHasNextPage();
            cursor = page.getPageInfo().getEndCursor();
        }
    }

    private static void askForTooMany(DirectoryClient directory) {
        try {
            directory.users(1000, null);
        } catch (FieldAccessException e) {
            e.getResponse().getErrors().forEach(error ->
                    System.out.println(error.getExtensions().get("code") + ": " + error.getMessage()));
        }
    }

    private static User create(DirectoryClient directory) {
        CreateUserPayload created = directory.createUser("Charlie", "charlie@client.example");
        if (created.getUser() == null) {
            throw new IllegalStateException(reasons(created.getErrors()));
        }
        return created.getUser();
    }

    private static String reasons(List<InputError> errors) {
        return String.join(", ", errors.stream().map(error -> error.getCode() + ", " + error.getMessage()).toList());
    }

    private static String environment(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
