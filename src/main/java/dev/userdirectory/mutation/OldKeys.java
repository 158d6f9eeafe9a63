package dev.userdirectory.mutation;

import dev.userdirectory.database.OldRows;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** Idempotency keys past their retention. */
@Component
class OldKeys implements OldRows {
    private final IdempotencyProperties properties;

    OldKeys(IdempotencyProperties properties) {
        this.properties = properties;
    }

    @Override
    public int delete(JdbcTemplate jdbc, int limit) {
        return jdbc.update("""
                delete from idempotency_keys where id = any(array(
                    select id from idempotency_keys
                    where created_at < now() - ? * interval '1 second'
                    order by created_at limit ?
                    for update skip locked))
                """, properties.retention().toSeconds(), limit);
    }
}
