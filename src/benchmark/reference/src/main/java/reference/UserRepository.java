package reference;

import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

interface UserRepository extends JpaRepository<User, UUID> {
    List<User> findByOrderByCreatedAtAscUuidAsc(Limit limit);

    @Query("from User u where (u.createdAt, u.uuid) > (:createdAt, :uuid) order by u.createdAt, u.uuid")
    List<User> findAfter(OffsetDateTime createdAt, UUID uuid, Limit limit);

    @Query(nativeQuery = true, value = """
                    select u.id as user_id, g.id, g.name, g.description
                    from unnest(:userIds) as u (id) cross join lateral (
                        select g.id, g.name, g.description, g.name_lower
                        from group_members m join groups g on g.id = m.group_id
                        where m.user_id = u.id
                        order by g.name_lower, g.id
                        limit :first
                    ) g
                    order by g.name_lower, g.id
                    """)
    List<Group> findGroups(UUID[] userIds, int first);

    @Query(nativeQuery = true, value = "select key from cursor_keys")
    byte[] findCursorKey();

    /** One of the groups of a user. */
    interface Group {
        UUID getUserId();

        UUID getId();

        String getName();

        String getDescription();
    }
}
