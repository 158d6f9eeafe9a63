package dev.userdirectory.benchmark;

import com.sun.management.OperatingSystemMXBean;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.benchmark.Report.Measured;
import dev.userdirectory.benchmark.Report.Results;
import dev.userdirectory.benchmark.Servers.Kind;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.DefaultApplicationArguments;

/**
 * What the packaged service does for a million users, beside what PostgreSQL and the HTTP server do alone:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run -Dspring-boot.test-run.optimizedLaunch=false \
 *     -Dspring-boot.run.main-class=dev.userdirectory.benchmark.Benchmark
 * </pre>
 *
 * The first run loads the users and keeps them in {@code .data/benchmark}. What is compared takes turns, so whatever else
 * the machine does falls on all of it alike. Fails if an answer is not what SQL says, or has an error.
 */
final class Benchmark {
    private static final int CONNECTIONS = 32;
    /** What pgbench tries instead: PostgreSQL itself may do more with fewer. */
    private static final int FEW_CONNECTIONS = 8;

    private static final Duration ALONE = Duration.ofMillis(500);
    /** How many requests are checked, and given to pgbench. */
    private static final int SAMPLES = 20;

    private static final List<String> SHORTCUTS = List.of("post", "property", "instrumentation", "observation");

    private static final OperatingSystemMXBean OWN = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private final Servers servers;
    private final Duration time;
    private final int rounds;
    private final List<String> only;
    private final boolean limits;
    private final List<String> shortcuts;
    private final @Nullable Path against;
    private final AtomicLong requests = new AtomicLong();
    private final Map<Workload, Results> results = new LinkedHashMap<>();
    private boolean staticIsWarm;

    private Benchmark(DefaultApplicationArguments arguments, Servers servers) {
        this.servers = servers;
        time = Duration.ofSeconds(Integer.parseInt(option(arguments, "seconds", "3")));
        rounds = Integer.parseInt(option(arguments, "rounds", "3"));
        only = List.of(option(arguments, "only", "").split(","));
        limits = !arguments.containsOption("no-limits");
        shortcuts = arguments.containsOption("shortcuts") ? SHORTCUTS : List.of();
        against = arguments.containsOption("against") ? Path.of(option(arguments, "against", "")) : null;
    }

    private static String option(DefaultApplicationArguments arguments, String name, String otherwise) {
        List<String> values = arguments.getOptionValues(name);
        return values == null || values.isEmpty() ? otherwise : values.getLast();
    }

    private static List<String> options(DefaultApplicationArguments arguments, String name) {
        return Objects.requireNonNullElse(arguments.getOptionValues(name), List.of());
    }

    public static void main(String[] args) throws Exception {
        if (ManagementFactory.getRuntimeMXBean().getInputArguments().contains("-XX:TieredStopAtLevel=1")) {
            throw new IllegalStateException(
                    "The load would be slow: run with -Dspring-boot.test-run.optimizedLaunch=false");
        }
        DefaultApplicationArguments arguments = new DefaultApplicationArguments(args);
        List<String> javaOptions = options(arguments, "java");
        try (Servers servers =
                new Servers(javaOptions, options(arguments, "against-java"), arguments.containsOption("cache"))) {
            servers.prepare();
            if (arguments.containsOption("pages")) {
                new PageTimes(servers.service(Kind.MILLION_USERS), servers.million).run();
            } else {
                new Benchmark(arguments, servers).run();
            }
        }
    }

    private void run() throws IOException, InterruptedException {
        List<Workload> workloads = new Workloads(servers.million, servers.few)
                .all(this::cursor).stream()
                        .filter(workload -> only.stream().anyMatch(workload.name()::contains))
                        .toList();
        for (Workload workload : workloads) {
            check(workload);
        }
        System.out.printf("Answers are what SQL says%n");
        // Reads first: what is written is in their way.
        for (boolean writes : List.of(false, true)) {
            for (int round = 0; round <= rounds; round++) {
                for (Workload workload : workloads) {
                    if (workload.writes() == writes) {
                        measure(workload, round == 0);
                    }
                }
                System.out.printf("%s: round %d of %d%n", writes ? "Writes" : "Reads", round, rounds);
            }
        }
        printMachine();
        long bytes = servers.service(Kind.MILLION_USERS).residentBytes();
        new Report(results).print(bytes / (1024.0 * 1024));
    }

    /** Of the user with that address; others may have it within theirs. */
    private String cursor(String email) {
        String document = "query ($email: String!) {"
                + " users(first: 10, filter: {search: $email}) { edges { cursor node { email } } } }";
        try {
            return servers.service(Kind.MILLION_USERS)
                    .post(document, Map.of("email", email))
                    .at("/data/users/edges")
                    .valueStream()
                    .filter(edge -> edge.at("/node/email").asString().equals(email))
                    .findFirst()
                    .orElseThrow()
                    .get("cursor")
                    .asString();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Compares answers with what SQL says, and learns from them what the others have to look like. */
    private void check(Workload workload) throws IOException, InterruptedException {
        Results result = new Results();
        results.put(workload, result);
        List<String> answers = new ArrayList<>();
        long start = requests.getAndAdd(SAMPLES);
        ServiceProcess service = servers.service(workload.service());
        try (HttpConnection connection = new HttpConnection(service.graphQl(), service.token())) {
            PgBench.Request request = () -> answers.add(connection.post(workload.body(start + answers.size())));
            if (servers.pgBench != null) {
                result.statements = servers.pgBench.watch(SAMPLES, request);
            } else {
                for (int i = 0; i < SAMPLES; i++) {
                    request.send();
                }
            }
        }
        for (int i = 0; i < SAMPLES; i++) {
            workload.check(start + i, answers.get(i));
        }
        String first = answers.getFirst();
        int same = answers.stream()
                .map(answer -> Arrays.mismatch(first.toCharArray(), answer.toCharArray()))
                .mapToInt(at -> at < 0 ? first.length() : at)
                .min()
                .orElseThrow();
        // What values have in common may be by chance.
        result.beginning = first.substring(0, first.lastIndexOf(':', same) + 1);
        result.bytes = (int) answers.stream().mapToInt(String::length).average().orElseThrow();
    }

    private void measure(Workload workload, boolean warmUp) throws IOException, InterruptedException {
        // What a warm-up measures is not kept.
        Results result = warmUp ? new Results() : results.get(workload);
        result.service.add(measure(servers.service(workload.service()), workload, warmUp));
        if (against != null) {
            result.other.add(measure(servers.other(workload.service(), against), workload, warmUp));
        }
        if (workload.service() == Kind.MILLION_USERS) {
            for (String shortcut : shortcuts) {
                result.without
                        .computeIfAbsent(shortcut, key -> new ArrayList<>())
                        .add(measure(servers.without(shortcut), workload, warmUp));
            }
        }
        if (limits) {
            measureStatements(workload, result, warmUp);
            result.staticDocument.add(measureStatic(workload, warmUp));
        }
    }

    private Measured measure(ServiceProcess service, Workload workload, boolean warmUp)
            throws IOException, InterruptedException {
        String beginning = results.get(workload).beginning;
        // As long as those take together that share a service.
        Duration duration = warmUp ? time.multipliedBy(workload.service() == Kind.MILLION_USERS ? 3 : 25) : time;
        long cpu = service.cpuTime().toNanos();
        long ownCpu = OWN.getProcessCpuTime();
        Load.Result load =
                Load.run(service.graphQl(), service.token(), CONNECTIONS, duration, bodies(workload), beginning);
        cpu = service.cpuTime().toNanos() - cpu;
        ownCpu = OWN.getProcessCpuTime() - ownCpu;
        Load.Result alone = Load.run(service.graphQl(), service.token(), 1, ALONE, bodies(workload), beginning);
        double count = load.perSecond() * duration.toNanos() / 1e9;
        return new Measured(
                load,
                alone,
                (double) cpu / duration.toNanos(),
                cpu / 1e3 / count,
                ownCpu / 1e3 / count,
                service.residentBytes() >> 20);
    }

    private Supplier<byte[]> bodies(Workload workload) {
        return () -> workload.body(requests.getAndIncrement());
    }

    private void measureStatements(Workload workload, Results result, boolean warmUp)
            throws IOException, InterruptedException {
        Results learnt = results.get(workload);
        if (servers.pgBench == null || learnt.statements.isEmpty()) {
            return;
        }
        String database = workload.service().database();
        if (warmUp) {
            Duration second = Duration.ofSeconds(1);
            double many = servers.pgBench.run(database, learnt.statements, CONNECTIONS, second);
            double few = servers.pgBench.run(database, learnt.statements, FEW_CONNECTIONS, second);
            learnt.clients = many > few ? CONNECTIONS : FEW_CONNECTIONS;
        } else {
            result.pgBench.add(servers.pgBench.run(database, learnt.statements, learnt.clients, time));
        }
    }

    private double measureStatic(Workload workload, boolean warmUp) throws IOException, InterruptedException {
        ServiceProcess server = servers.service(Kind.STATIC);
        Duration duration = warmUp && !staticIsWarm ? time.multipliedBy(10) : time;
        staticIsWarm = true;
        URI uri = server.graphQl().resolve(StaticDocument.PATH + results.get(workload).bytes);
        return Load.run(uri, server.token(), CONNECTIONS, duration, bodies(workload), StaticDocument.BEGINNING)
                .perSecond();
    }

    private void printMachine() throws IOException {
        System.out.printf(
                "%n%d cores, %s %s, JDK %s, PostgreSQL %s, %s%n%s, -Xmx256m, %d connections%n",
                Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("java.version"),
                servers.million.queryForObject("show server_version", String.class),
                servers.pgBench == null ? "no pgbench, so without its figures" : servers.pgBench.version(),
                ServiceProcess.jar().getFileName(),
                CONNECTIONS);
    }
}
