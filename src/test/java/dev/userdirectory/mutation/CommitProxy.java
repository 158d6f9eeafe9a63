package dev.userdirectory.mutation;

import dev.userdirectory.SwitchableProxy;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A proxy in front of PostgreSQL that can strike when a creation is committed, before the service hears of it. */
class CommitProxy extends SwitchableProxy {
    /** What PostgreSQL's protocol says of a statement that has added a row. A retry adds none. */
    private static final String ADDED = completed("INSERT 0 1");

    private static final String COMMITTED = completed("COMMIT");

    private final AtomicReference<@Nullable Strike> next = new AtomicReference<>();

    private record Strike(Runnable action, CompletableFuture<Void> done) {}

    CommitProxy(int target) {
        super(target);
    }

    /** Waits until another creation is committed, and runs the action in place of the response. */
    void strike(Runnable action) {
        Strike strike = new Strike(action, new CompletableFuture<>());
        next.set(strike);
        strike.done.orTimeout(60, TimeUnit.SECONDS).join();
    }

    @Override
    protected void respond(InputStream server, OutputStream client) throws IOException {
        byte[] buffer = new byte[8192];
        boolean added = false;
        for (int length = server.read(buffer); length >= 0; length = server.read(buffer)) {
            String response = new String(buffer, 0, length, StandardCharsets.ISO_8859_1);
            added |= response.contains(ADDED);
            if (response.contains(COMMITTED)) {
                Strike strike = added ? next.getAndSet(null) : null;
                if (strike != null) {
                    strike.action.run();
                    strike.done.complete(null);
                    return;
                }
                added = false;
            }
            client.write(buffer, 0, length);
        }
    }

    private static String completed(String tag) {
        return "C\0\0\0" + (char) (tag.length() + 5) + tag + "\0";
    }
}
