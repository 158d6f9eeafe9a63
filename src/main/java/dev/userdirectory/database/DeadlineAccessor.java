package dev.userdirectory.database;

import io.micrometer.context.ThreadLocalAccessor;
import org.jspecify.annotations.Nullable;

/** Propagates the {@link Deadline} to each thread that takes over work for the request. */
public class DeadlineAccessor implements ThreadLocalAccessor<Deadline> {
    @Override
    public Object key() {
        return Deadline.class;
    }

    @Override
    public @Nullable Deadline getValue() {
        return Deadline.CURRENT.get();
    }

    @Override
    public void setValue(Deadline deadline) {
        Deadline.CURRENT.set(deadline);
    }

    @Override
    public void setValue() {
        Deadline.CURRENT.remove();
    }
}
