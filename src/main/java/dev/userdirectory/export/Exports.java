package dev.userdirectory.export;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.event.DirectorySnapshot;
import dev.userdirectory.event.DirectorySnapshots;
import dev.userdirectory.graphql.limit.CostBudgets;
import dev.userdirectory.graphql.limit.RateLimited;
import dev.userdirectory.http.HttpError;
import graphql.GraphQLError;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;

/** Runs exports, a few at a time and one for each account, and ends those that take too long. */
@Component
@EnableConfigurationProperties(ExportProperties.class)
class Exports {
    /** How long after the deadline PostgreSQL itself ends the snapshot, in case the service does not. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    private final ExportProperties properties;
    private final DirectorySnapshots snapshots;
    private final CostBudgets budgets;
    /** The accounts whose exports are running. */
    private final Set<String> running = ConcurrentHashMap.newKeySet();

    private final Counter lines;

    /** Thrown when an export may not begin now. */
    static final class Rejected extends Exception {
        final transient HttpError error;

        Rejected(HttpError error) {
            super(error.message());
            this.error = error;
        }
    }

    Exports(ExportProperties properties, DirectorySnapshots snapshots, CostBudgets budgets, MeterRegistry meters) {
        this.properties = properties;
        this.snapshots = snapshots;
        this.budgets = budgets;
        Gauge.builder("directory.exports.running", running, Set::size)
                .description("Exports that hold a snapshot")
                .register(meters);
        this.lines = Counter.builder("directory.exports.lines")
                .description("Lines that exports have written")
                .register(meters);
    }

    /**
     * Begins an export, which is closed at the deadline at the latest.
     *
     * @param account the key for everything that is shared fairly between callers
     * @throws Rejected if too many exports are running, if one is running for this account, or if its budget is spent
     */
    Export begin(String account) throws Rejected, SQLException {
        take(account);
        try {
            GraphQLError overspent = budgets.spendMaximum(account);
            if (overspent != null) {
                throw new Rejected(rateLimited(overspent));
            }
            return begin(
                    snapshots.open(
                            "user-directory export", properties.deadline().plus(GRACE)),
                    account);
        } catch (Rejected | SQLException | RuntimeException e) {
            running.remove(account);
            throw e;
        }
    }

    private synchronized void take(String account) throws Rejected {
        if (running.contains(account)) {
            throw new Rejected(
                    tryAgain(ErrorCode.RATE_LIMITED, "You are running an export already: try again when it ends"));
        }
        if (running.size() >= properties.concurrency()) {
            throw new Rejected(tryAgain(
                    ErrorCode.UNAVAILABLE,
                    "At most %,d exports are run at a time: try again".formatted(properties.concurrency())));
        }
        running.add(account);
    }

    private static HttpError rateLimited(GraphQLError overspent) {
        Map<String, Object> details = Objects.requireNonNull(overspent.getExtensions());
        return new HttpError(HttpStatus.TOO_MANY_REQUESTS, overspent.getMessage(), details)
                .with(HttpHeaders.RETRY_AFTER, String.valueOf(RateLimited.retryAfter(overspent)));
    }

    private static HttpError tryAgain(ErrorCode code, String message) {
        return new HttpError(code, message).with(HttpHeaders.RETRY_AFTER, "10");
    }

    private Export begin(DirectorySnapshot snapshot, String account) {
        Disposable.Swap deadline = Disposables.swap();
        Export export = new Export(snapshot, lines::increment, () -> {
            deadline.dispose();
            running.remove(account);
        });
        deadline.update(Schedulers.parallel()
                .schedule(export::close, properties.deadline().toMillis(), TimeUnit.MILLISECONDS));
        return export;
    }
}
