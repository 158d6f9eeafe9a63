package dev.userdirectory.graphql.limit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;

class RequestMemoryTest {
    private static final Authentication ANNA = new TestingAuthenticationToken("anna", "", "SCOPE_users:read");
    private static final Authentication BEN = new TestingAuthenticationToken("ben", "", "SCOPE_users:read");

    private final RequestMemory memory = new RequestMemory(1000);

    @Test
    void leavesAsMuchMemoryFreeAsTheCallerHolds() {
        assertThat(memory.open(ANNA).grow(300)).isTrue();
        assertThat(memory.open(ANNA).grow(201)).isFalse();
        assertThat(memory.open(ANNA).grow(200)).isTrue();
        assertThat(memory.open(ANNA).grow(1)).isFalse();

        assertThat(memory.open(BEN).grow(251)).isFalse();
        assertThat(memory.open(BEN).grow(250)).isTrue();
    }

    @Test
    void countsAllCallersWithoutATokenAsOne() {
        assertThat(memory.open(null).grow(400)).isTrue();
        assertThat(memory.open(anonymous("1")).grow(101)).isFalse();
        assertThat(memory.open(anonymous("2")).grow(100)).isTrue();
        assertThat(memory.open(null).grow(1)).isFalse();
    }

    @Test
    void closedReservationReleasesItsMemory() {
        for (int i = 0; i < 10; i++) {
            try (Reservation reservation = memory.open(ANNA)) {
                assertThat(reservation.grow(500)).isTrue();
            }
        }
        Reservation reservation = memory.open(ANNA);
        for (int i = 0; i < 10; i++) {
            assertThat(reservation.grow(500)).isTrue();
            reservation.clear();
        }
    }

    @Test
    void closedReservationCannotGrow() {
        Reservation reservation = memory.open(ANNA);
        reservation.close();
        assertThat(reservation.grow(1)).isFalse();
        assertThat(memory.open(ANNA).grow(500)).isTrue();
    }

    @Test
    void failedTaskReleasesItsMemory() {
        Reservation reservation = memory.open(ANNA);
        Runnable task = reservation.during(() -> {
            assertThat(reservation.grow(500)).isTrue();
            throw new IllegalStateException("it failed");
        });
        assertThat(failure(task)).hasMessage("it failed");
        assertThat(memory.open(ANNA).grow(500)).isTrue();
    }

    @Test
    void reservesMemoryForParsedJson() {
        RequestMemory large = new RequestMemory(1_000_000);
        Reservation reservation = large.open(ANNA);
        assertThat(reservation.growForJson(1_000, 10)).isTrue();
        assertThat(reservation.growForJson(2_000, 900)).isTrue();
        assertThat(reservation.growForJson(3_000, 1_000)).isFalse();
    }

    @Test
    void smallResponsesReserveNoMemory() {
        assertThat(memory.open(ANNA).growForWritten(16 * 1024, false)).isTrue();
        assertThat(memory.open(ANNA).growForWritten(16 * 1024 + 1, false)).isFalse();
    }

    @Test
    void smallResponsesInMessagesReserveMemory() {
        assertThat(memory.open(ANNA).growForWritten(100, true)).isTrue();
        assertThat(memory.open(ANNA).growForWritten(1, true)).isFalse();
    }

    private static Authentication anonymous(String name) {
        return new AnonymousAuthenticationToken("key", name, AuthorityUtils.createAuthorityList("ROLE_ANONYMOUS"));
    }

    private static @Nullable Throwable failure(Runnable task) {
        try {
            task.run();
            return null;
        } catch (IllegalStateException e) {
            return e;
        }
    }
}
