package dev.userdirectory.user;

import jakarta.persistence.LockModeType;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

/** Reads what writes of users need, and deletes users; {@link UserInserts} stores new ones. */
interface UserRepository extends Repository<User, UUID> {
    void delete(User user);

    void flush();

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("from User u where u.uuid = :uuid")
    Optional<User> findAndLock(UUID uuid);

    /** The indexes of addresses that a user other than {@code except} has, or that occur earlier in the array. */
    @NativeQuery("""
            with given as materialized (
                select n, email_key, row_number() over (partition by email_key order by n) > 1 as is_repeated
                from (
                    select n, email_key(email collate "pg_c_utf8") as email_key
                    from unnest(:emails) with ordinality as given (email, n)
                ) keys
            )
            select cast(n - 1 as integer) from given
            where is_repeated
               or exists (
                    select from users u
                    where email_key(u.email collate "pg_c_utf8") = given.email_key and u.id <> :except)
            order by n
            """)
    List<Integer> findTaken(String[] emails, UUID except);
}
