package dev.userdirectory.mutation;

import dev.userdirectory.database.OldRows;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/** Deletes idempotency keys past their retention, along with the outcomes stored under them. */
@Component
class OldKeys implements OldRows {
    /** The stored size of the outcomes that one step deletes at most, so that steps stay short. */
    private static final int BYTES = 20_000_000;

    private final IdempotencyProperties properties;

    OldKeys(IdempotencyProperties properties) {
        this.properties = properties;
    }

    @Override
    public boolean delete(JdbcTemplate jdbc, int limit) {
        return Boolean.TRUE.equals(
                jdbc.queryForObject("""
                with oldest as (
                    select id, created_at, coalesce(pg_column_size(outcome), 0) as bytes from idempotency_keys
                    where created_at < now() - ? * interval '1 second'
                    order by created_at limit ?
                    for update skip locked
                ), step as (
                    select id, sum(bytes) over (order by created_at, id) - bytes < ? as fits from oldest
                ), deleted as (
                    delete from idempotency_keys where id = any(array(select id from step where fits))
                )
                select count(*) = ? or coalesce(not bool_and(fits), false) from step
                """, Boolean.class, properties.retention().toSeconds(), limit, BYTES, limit));
    }
}
