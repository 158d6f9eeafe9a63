package dev.userdirectory.user;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.repository.Repository;

/** Runs the queries that writes of users need, and deletes users; {@link UserInserts} stores new ones. */
interface UserRepository extends Repository<User, UUID> {
    void flush();

    /** Returns the users with these IDs that exist. No other transaction can change them until this one ends. */
    @NativeQuery("select * from users where id = any(:uuids) order by id for no key update")
    List<User> findAndLock(UUID[] uuids);

    /**
     * Finds the user with that address, in upper or lower case. No other transaction can change the user until this one
     * ends.
     */
    @NativeQuery("""
            select * from users
            where email_lower = lower(cast(:email as text) collate "pg_c_utf8")
            for no key update
            """)
    Optional<User> findByEmailAndLock(String email);

    @Modifying
    @NativeQuery("delete from users where id = any(:uuids)")
    void delete(UUID[] uuids);

    /** Whether the users have too many memberships to be deleted with all of these before the deadline. */
    @NativeQuery("select exists (select from group_members where user_id = any(:uuids) offset 50000)")
    boolean haveTooManyMemberships(UUID[] uuids);

    /**
     * Returns the indexes of the addresses that occur earlier in the array, or that belong to a user other than the one
     * at the same index of {@code exempt}.
     */
    @NativeQuery("""
            with given as materialized (
                select n, exempt, email_key, row_number() over (partition by email_key order by n) > 1 as is_repeated
                from (
                    select n, exempt, email_key(email collate "pg_c_utf8") as email_key
                    from unnest(:emails, :exempt) with ordinality as given (email, exempt, n)
                ) keys
            )
            select cast(n - 1 as integer) from given
            where is_repeated
               or exists (
                    select from users u
                    where email_key(u.email collate "pg_c_utf8") = given.email_key and u.id <> given.exempt)
            order by n
            """)
    List<Integer> findTaken(String[] emails, UUID[] exempt);
}
