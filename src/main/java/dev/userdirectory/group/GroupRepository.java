package dev.userdirectory.group;

import jakarta.persistence.LockModeType;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.NativeQuery;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;

/** Writes groups and their members, and runs the queries that the writes need. */
interface GroupRepository extends Repository<Group, UUID> {
    Group save(Group group);

    void delete(Group group);

    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("from Group g where g.uuid = :uuid")
    Optional<Group> findAndLock(UUID uuid);

    /**
     * Finds the group, and prevents it from being deleted until the transaction ends. Other transactions may still
     * change its members.
     */
    @NativeQuery("select * from groups where id = :uuid for key share")
    Optional<Group> findAndKeep(UUID uuid);

    /**
     * Returns the IDs of those users that exist, and prevents these users from being deleted until the transaction
     * ends.
     */
    @NativeQuery("select id from users where id = any(:userIds) order by id for key share")
    List<UUID> findAndKeepUsers(UUID[] userIds);

    @Modifying
    @NativeQuery("""
            insert into group_members (group_id, user_id, joined_at)
            select :groupId, user_id, :joinedAt from unnest(:userIds) as given (user_id) order by user_id
            on conflict do nothing
            """)
    void addMembers(UUID groupId, UUID[] userIds, OffsetDateTime joinedAt);

    @Modifying
    @NativeQuery("delete from group_members where group_id = :groupId and user_id = any(:userIds)")
    void removeMembers(UUID groupId, UUID[] userIds);

    /** Whether the group has too many members to be deleted with all of them before the deadline. */
    @NativeQuery("select exists (select from group_members where group_id = :groupId offset 50000)")
    boolean hasTooManyMembers(UUID groupId);
}
