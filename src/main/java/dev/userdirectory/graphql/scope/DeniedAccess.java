package dev.userdirectory.graphql.scope;

import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.error.LogInterval;
import graphql.GraphQLError;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Counts denied requests, and logs their number. The log does not name the callers, which would be personal data, and
 * gets at most one line per interval and reason, so that a flood of requests cannot fill it.
 */
@Component
public class DeniedAccess {
    private static final Logger log = LoggerFactory.getLogger(DeniedAccess.class);

    private final Map<Reason, Denied> denied = new EnumMap<>(Reason.class);

    public enum Reason {
        NO_TOKEN,
        BAD_TOKEN,
        SCOPE,
        RATE,
        LIMIT;

        private static @Nullable Reason of(@Nullable ErrorCode code) {
            return switch (code) {
                case UNAUTHENTICATED -> NO_TOKEN;
                case FORBIDDEN, SWITCHED_OFF -> SCOPE;
                case RATE_LIMITED -> RATE;
                case COST_ESTIMATED_TOO_EXPENSIVE, INTROSPECTION_LIMIT_EXCEEDED -> LIMIT;
                case null -> null;
                case ErrorCode other -> other.name().startsWith("MAX_") ? LIMIT : null;
            };
        }
    }

    DeniedAccess(MeterRegistry meters) {
        for (Reason reason : Reason.values()) {
            denied.put(reason, new Denied(reason, meters));
        }
    }

    public void count(Reason reason) {
        Denied ofReason = denied.get(reason);
        if (ofReason != null) {
            ofReason.count();
        }
    }

    /** Counts a request that is rejected with this code. Nothing is counted if the code denies no access. */
    public void count(ErrorCode code) {
        Reason reason = Reason.of(code);
        if (reason != null) {
            count(reason);
        }
    }

    /** An operation counts once for each reason, however many of its fields were denied. */
    public void count(List<GraphQLError> errors) {
        reasons(errors).forEach(this::count);
    }

    public static Set<Reason> reasons(List<GraphQLError> errors) {
        Set<Reason> reasons = EnumSet.noneOf(Reason.class);
        for (GraphQLError error : errors) {
            Reason reason = Reason.of(ErrorCode.of(error.getExtensions()));
            if (reason != null) {
                reasons.add(reason);
            }
        }
        return reasons;
    }

    private static final class Denied {
        private final String reason;
        private final Counter counter;
        private final LogInterval lines = new LogInterval();

        Denied(Reason reason, MeterRegistry meters) {
            this.reason = reason.name().toLowerCase(Locale.ROOT);
            counter = Counter.builder("directory.denied")
                    .description("Requests that were denied, by reason")
                    .tag("reason", this.reason)
                    .register(meters);
        }

        void count() {
            counter.increment();
            long count = lines.count();
            if (count > 0) {
                log.atWarn()
                        .addKeyValue("event.reason", reason)
                        .addKeyValue("event.count", count)
                        .log("Access denied: {}, {} since the last such line", reason, count);
            }
        }
    }
}
