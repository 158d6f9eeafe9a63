package dev.userdirectory.event;

import dev.userdirectory.database.AfterMigration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Import;

/**
 * Checks after a migration whether the database was restored into another server. Instances that follow the feed check
 * it when they start, but on AWS Lambda no instance follows the feed.
 */
@Import({UserEvents.class, Coverage.class})
class RestoredFeed implements AfterMigration {
    private static final Logger log = LoggerFactory.getLogger(RestoredFeed.class);

    private final UserEvents events;

    RestoredFeed(UserEvents events) {
        this.events = events;
    }

    @Override
    public void run() {
        int foreign = events.deleteIfForeign();
        if (foreign > 0) {
            log.warn("The change feed starts anew: its {} events are from another database server", foreign);
        }
    }
}
