package dev.userdirectory.subscription;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/** The writing end of a socket or an event stream, for one thread at a time. Nothing is buffered: a write blocks. */
final class Outlet {
    /** Fair, so that threads write in order of arrival. */
    private final ReentrantLock writing = new ReentrantLock(true);

    private final AtomicBoolean closed = new AtomicBoolean();
    private final Runnable onFailure;

    interface Write {
        void run() throws IOException;
    }

    /** @param onFailure called if a write fails, possibly more than once; must close this outlet */
    Outlet(Runnable onFailure) {
        this.onFailure = onFailure;
    }

    boolean isClosed() {
        return closed.get();
    }

    /** Writes once it is this thread's turn, or does nothing if the outlet is closed by then. */
    void write(Write write) {
        writing.lock();
        try {
            if (!closed.get()) {
                write.run();
            }
        } catch (IOException | IllegalStateException e) {
            // The client has disconnected, or has read nothing for so long that Tomcat gave up.
            onFailure.run();
        } finally {
            writing.unlock();
        }
    }

    /** Writes unless another write is in progress, because that also shows that the connection is alive. */
    void ping(Write write) {
        if (!writing.isLocked()) {
            write(write);
        }
    }

    /** Waits for the write that is in progress, but not for long: a client that does not read can block it. */
    void awaitWrite() {
        try {
            if (writing.tryLock(1, TimeUnit.SECONDS)) {
                writing.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Prevents all further writes. Returns false if the outlet was already closed. */
    boolean close() {
        return closed.compareAndSet(false, true);
    }

    /** Returns at once: another thread closes the connection, since a client that does not read can block that. */
    void finish(Write closing) {
        Thread.startVirtualThread(() -> {
            boolean alone = false;
            try {
                alone = writing.tryLock(1, TimeUnit.SECONDS);
                closing.run();
            } catch (IOException | IllegalStateException e) {
                // The connection is already closed.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                if (alone) {
                    writing.unlock();
                }
            }
        });
    }
}
