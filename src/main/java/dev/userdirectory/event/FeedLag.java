package dev.userdirectory.event;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Measures how far followers are behind the database. All times are {@link System#nanoTime}. */
final class FeedLag {
    private final BooleanSupplier follows;
    /** The last time by which the reader had taken every settled event. */
    private volatile long upToDate = System.nanoTime();
    /** When the oldest committed event that followers cannot see yet was appended; null if there is none. */
    private volatile @Nullable Long heldBackSince;

    /** @param follows whether the reader runs */
    FeedLag(BooleanSupplier follows, MeterRegistry meters) {
        this.follows = follows;
        TimeGauge.builder("directory.feed.lag", this::lag, TimeUnit.NANOSECONDS)
                .description("Time since the reader last asked the database for new events and got an answer")
                .register(meters);
        TimeGauge.builder("directory.feed.held.back", this::heldBack, TimeUnit.NANOSECONDS)
                .description("Age of the oldest committed event that followers do not see yet, or 0")
                .register(meters);
    }

    void upToDate(long asked) {
        upToDate = asked;
    }

    /** @param age the age of the oldest event that followers cannot see yet; null if there is none */
    void heldBack(@Nullable Duration age) {
        heldBackSince = age == null ? null : System.nanoTime() - age.toNanos();
    }

    private double lag() {
        return follows.getAsBoolean() ? System.nanoTime() - upToDate : Double.NaN;
    }

    private double heldBack() {
        Long since = heldBackSince;
        return since == null ? 0 : System.nanoTime() - since;
    }
}
