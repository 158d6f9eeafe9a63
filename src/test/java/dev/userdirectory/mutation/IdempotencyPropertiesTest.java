package dev.userdirectory.mutation;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;

class IdempotencyPropertiesTest {
    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT0.5S", "PT59.999S", "-PT24H"})
    void rejectsRetentionShorterThanAMinute(String retention) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> withRetention(Duration.parse(retention)))
                .withMessage(
                        "directory.idempotency.retention must be at least a minute, not " + Duration.parse(retention));
    }

    @Test
    void acceptsRetentionOfAMinute() {
        assertThatNoException().isThrownBy(() -> withRetention(Duration.ofMinutes(1)));
    }

    private static IdempotencyProperties withRetention(Duration retention) {
        return new IdempotencyProperties(retention, DataSize.ofMegabytes(1));
    }
}
