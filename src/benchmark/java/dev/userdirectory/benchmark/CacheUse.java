package dev.userdirectory.benchmark;

import dev.userdirectory.ServiceProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;

/** The number of cache hits of a service, and the number of lookups. */
record CacheUse(double hits, double requests) {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Pattern COUNTER =
            Pattern.compile("directory_cache_requests_total\\{.*result=\"([^\"]+)\".*\\} (\\S+)");

    static CacheUse of(ServiceProcess service) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(service.graphQl().resolve("/actuator/prometheus"))
                .header("Authorization", "Bearer " + service.token())
                .build();
        double[] counts = new double[2];
        COUNTER.matcher(HTTP.send(request, BodyHandlers.ofString()).body())
                .results()
                .forEach(counter -> {
                    double count = Double.parseDouble(counter.group(2));
                    counts[0] += counter.group(1).equals("hit") ? count : 0;
                    counts[1] += count;
                });
        return new CacheUse(counts[0], counts[1]);
    }

    /** NaN if there were no lookups. */
    double hitRatioUntil(CacheUse later) {
        return (later.hits - hits) / (later.requests - requests);
    }
}
