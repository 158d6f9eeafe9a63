package dev.userdirectory.user;

import jakarta.persistence.LockModeType;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

/** Writes users, and reads what the writes need. */
interface UserRepository extends Repository<User, UUID> {
    User save(User user);

    List<User> saveAll(Iterable<User> users);

    void delete(User user);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("from User u where u.uuid = :uuid")
    Optional<User> findAndLock(UUID uuid);

    /** The indexes of addresses that a user other than {@code except} has, or that occur earlier in the array. */
    @NativeQuery("""
            with given as materialized (
                select n, email_key(email collate "pg_c_utf8") as email_key
                from unnest(:emails) with ordinality as given (email, n)
            )
            select cast(n - 1 as integer) from given
            where exists (
                    select from users u
                    where email_key(u.email collate "pg_c_utf8") = given.email_key and u.id <> :except)
               or exists (select from given earlier where earlier.email_key = given.email_key and earlier.n < given.n)
            order by n
            """)
    List<Integer> findTaken(String[] emails, UUID except);
}
