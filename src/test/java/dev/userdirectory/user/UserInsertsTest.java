package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;

@DirectoryTest
class UserInsertsTest {
    @Autowired
    UserInserts inserts;

    @Autowired
    JdbcTemplate jdbc;

    /** As after a connection was lost, when nobody knows how far it came. */
    @Test
    void storesUserOnceHoweverOftenItIsTried() {
        User user = user(Directory.newEmail());

        User first = inserts.insert(user).orElseThrow();
        User second = inserts.insert(user).orElseThrow();

        assertThat(second.uuid()).isEqualTo(first.uuid()).isEqualTo(user.uuid());
        assertThat(jdbc.queryForList("select type from user_events where user_id = ?", String.class, user.uuid()))
                .containsExactly("CREATED");
    }

    @Test
    void leavesOutOnlyThoseWhoseAddressIsTaken() {
        List<String> emails = new ArrayList<>();
        List<CompletableFuture<Optional<User>>> created = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            // Every address twice, at the same time.
            String email = i % 2 == 0 ? Directory.newEmail() : emails.getLast().toUpperCase(Locale.ROOT);
            emails.add(email);
            created.add(CompletableFuture.supplyAsync(
                    () -> inserts.insert(user(email)), task -> Thread.startVirtualThread(task)));
        }

        for (int i = 0; i < 100; i += 2) {
            Optional<User> one = created.get(i).join();
            Optional<User> other = created.get(i + 1).join();
            assertThat(one.isPresent()).isNotEqualTo(other.isPresent());
        }
    }

    private static User user(String email) {
        return new User("Someone", email, true, User.now());
    }
}
