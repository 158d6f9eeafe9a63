package dev.userdirectory.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

class RequesterTest {
    /** Otherwise, everybody who shares the work would wait for the permits of the one who does it. */
    @Test
    void workForOthersNeedsNoPermitOfItsOwn() {
        Semaphore permits = new Semaphore(4);
        Requester requester = new Requester("somebody", permits);

        assertThat(requester.share()).isSameAs(permits);
        assertThat(requester.runAs("calls", () -> requester.share() == null)).isTrue();
        assertThat(requester.share()).isSameAs(permits);
    }
}
