package dev.userdirectory.user;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;

/**
 * Finds users by e-mail address. Addresses match if they have the same unique key, which addresses that look alike
 * share. Accounts from before keys were unique may share a key; then the account with that very spelling is found, or
 * else the first one.
 */
public final class UsersByEmail {
    private static final String SQL = """
            select given.email as given_email, %s
            from (
                select email, email_key(email collate "pg_c_utf8") as key
                from unnest(?) as addresses (email)
                offset 0
            ) given
            cross join lateral (
                select *
                from users
                where email_key(users.email collate "pg_c_utf8") = given.key
                order by email_lower <> lower(given.email collate "pg_c_utf8"), email_twin
                limit 1
            ) u
            """.formatted(User.COLUMNS);

    private UsersByEmail() {}

    /** @return the users, keyed by the addresses as given; without the addresses that nobody has */
    public static Map<String, User> find(JdbcTemplate jdbc, Collection<String> emails) {
        Map<String, User> users = HashMap.newHashMap(emails.size());
        jdbc.query(
                SQL,
                row -> {
                    users.put(row.getString("given_email"), User.read(row, row.getRow()));
                },
                new SqlArrayValue("text", possible(emails)));
        return users;
    }

    private static Object[] possible(Collection<String> emails) {
        return emails.stream().filter(UsersByEmail::mayExist).toArray();
    }

    /** Whether a user can have this address at all. */
    static boolean mayExist(String email) {
        return !EmailAddress.isDomainTooLong(email.substring(email.lastIndexOf('@') + 1));
    }
}
