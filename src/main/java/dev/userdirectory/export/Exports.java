package dev.userdirectory.export;

import dev.userdirectory.event.DirectorySnapshot;
import dev.userdirectory.event.DirectorySnapshots;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;

/** Runs exports, a few at a time, and ends those that take too long. */
@Component
@EnableConfigurationProperties(ExportProperties.class)
class Exports {
    /** PostgreSQL ends the snapshot that much later by itself, in case the service does not. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    private final ExportProperties properties;
    private final DirectorySnapshots snapshots;
    private final Semaphore places;
    private final Counter lines;

    Exports(ExportProperties properties, DirectorySnapshots snapshots, MeterRegistry meters) {
        this.properties = properties;
        this.snapshots = snapshots;
        this.places = new Semaphore(properties.concurrency());
        Gauge.builder("directory.exports.running", places, free -> properties.concurrency() - free.availablePermits())
                .description("Exports that hold a snapshot at the moment")
                .register(meters);
        this.lines = Counter.builder("directory.exports.lines")
                .description("Lines that exports have written")
                .register(meters);
    }

    /** How many exports may run at a time. */
    int concurrency() {
        return properties.concurrency();
    }

    /** Begins an export, which is closed at the deadline at the latest; null if too many are running. */
    @Nullable
    Export begin() throws SQLException {
        if (!places.tryAcquire()) {
            return null;
        }
        DirectorySnapshot snapshot;
        try {
            snapshot = snapshots.open(
                    "user-directory export", properties.deadline().plus(GRACE));
        } catch (SQLException | RuntimeException e) {
            places.release();
            throw e;
        }
        Disposable.Swap deadline = Disposables.swap();
        Export export = new Export(snapshot, lines::increment, () -> {
            deadline.dispose();
            places.release();
        });
        deadline.update(Schedulers.parallel()
                .schedule(export::close, properties.deadline().toMillis(), TimeUnit.MILLISECONDS));
        return export;
    }
}
