package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Waiting;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/** Requests that share a pool of one connection. */
@DirectoryTest
class DeadlineDataSourceTest {
    private final DeadlineAccessor current = new DeadlineAccessor();
    private HikariDataSource pool;
    private DeadlineDataSource queue;

    @BeforeEach
    void open(@Autowired JdbcConnectionDetails postgres) throws SQLException {
        pool = new HikariDataSource();
        pool.setJdbcUrl(postgres.getJdbcUrl());
        pool.setUsername(postgres.getUsername());
        pool.setPassword(postgres.getPassword());
        pool.setMaximumPoolSize(1);
        pool.setConnectionTimeout(500);
        queue = new DeadlineDataSource(pool, new PoolThreads());
        current.setValue(new Deadline(Thread.currentThread(), "alice", null));
    }

    @AfterEach
    void close() {
        current.setValue();
        pool.close();
    }

    /** Waiting requests also precede a thread that releases its connection and immediately requests another one. */
    @Test
    @Timeout(20)
    void requestsGetTheConnectionInTheOrderInWhichTheyCame() throws Exception {
        pool.setConnectionTimeout(20_000);
        List<Integer> served = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        try (Connection held = queue.getConnection()) {
            for (int i = 0; i < 10; i++) {
                int number = i;
                threads.add(Thread.startVirtualThread(() -> use(() -> served.add(number))));
                Waiting.until(() -> queue.waiting() > number);
            }
        }
        use(() -> served.add(10));
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(served).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        assertThat(queue.waiting()).isZero();
    }

    private void use(Runnable action) {
        useAs("alice", action);
    }

    private void useAs(String subject, Runnable action) {
        current.setValue(new Deadline(Thread.currentThread(), subject, null));
        try (Connection connection = queue.getConnection()) {
            action.run();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void requestFailsIfNoConnectionIsFree() throws SQLException {
        try (Connection held = queue.getConnection()) {
            assertThatThrownBy(queue::getConnection)
                    .isInstanceOf(SQLException.class)
                    .hasMessage("No connection was free for 500 ms");
        }
        queue.getConnection().close();
    }

    @Test
    void connectionIsGivenBackOnce() throws SQLException {
        Connection first = queue.getConnection();
        first.close();
        try (Connection second = queue.getConnection()) {
            first.close();
            assertThatThrownBy(queue::getConnection).hasMessageStartingWith("No connection was free");
        }
    }

    /** The pool fails to open a connection. */
    @Test
    void requestWithoutConnectionLeavesItsPlace() throws SQLException {
        Connection own = pool.getConnection();
        try (own) {
            assertThatThrownBy(queue::getConnection).hasMessageContaining("request timed out");
        }
        queue.getConnection().close();
    }
}
