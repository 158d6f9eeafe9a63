package dev.userdirectory.event;

import dev.userdirectory.database.BackgroundThreads;
import dev.userdirectory.relay.Cursors;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.springframework.context.ApplicationContext;

/** What another instance of the service on the same database knows of the feed: what has happened since it started. */
public final class OtherInstance implements AutoCloseable {
    private final FeedReader reader;
    private final EventLog events;

    public OtherInstance(ApplicationContext service) {
        LiveFeed live = new LiveFeed(service.getBean(EventProperties.class), service.getBean(RestoredFeed.class));
        reader = new FeedReader(
                live,
                service.getBean(DirectoryEvents.class),
                service.getBean(FeedConnections.class),
                service.getBean(EventProperties.class),
                service.getBean(BackgroundThreads.class),
                new SimpleMeterRegistry());
        reader.start();
        events = new EventLog(
                service.getBean(FeedConnections.class),
                service.getBean(DirectoryEvents.class),
                live,
                service.getBean(EventProperties.class),
                service.getBean(Cursors.class));
    }

    public EventLog events() {
        return events;
    }

    /** From then on, it does not look for new events and eras. */
    @Override
    public void close() {
        reader.stop();
    }
}
