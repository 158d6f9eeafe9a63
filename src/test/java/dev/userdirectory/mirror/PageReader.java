package dev.userdirectory.mirror;

import dev.userdirectory.ServiceProcess;
import java.io.IOException;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads the feed page by page, and each page from any instance. */
public final class PageReader extends Follower {
    private PageReader(Mirror mirror, List<ServiceProcess> services) {
        super(mirror, services);
    }

    public static Follower start(Mirror mirror, List<ServiceProcess> services) {
        return new PageReader(mirror, services).start();
    }

    @Override
    void follow() throws IOException, InterruptedException {
        List<JsonNode> page = mirror.read(service()::data, 100);
        page.forEach(this::apply);
        if (page.isEmpty()) {
            Thread.sleep(200);
        }
    }
}
