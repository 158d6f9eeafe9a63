package dev.userdirectory.benchmark;

import com.sun.management.OperatingSystemMXBean;
import dev.userdirectory.ServiceProcess;
import dev.userdirectory.benchmark.Build.Kind;
import dev.userdirectory.benchmark.Report.Measured;
import dev.userdirectory.benchmark.Report.Results;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.DefaultApplicationArguments;

/**
 * Measures the packaged service with a million users, in comparison with PostgreSQL alone and the HTTP server alone:
 *
 * <pre>
 * ./mvnw -q package -DskipTests spring-boot:test-run -Dspring-boot.test-run.optimizedLaunch=false \
 *     -Dspring-boot.run.main-class=dev.userdirectory.benchmark.Benchmark
 * </pre>
 *
 * The first run loads the users and keeps them in {@code .data/benchmark}. Compared servers take turns, so that other
 * work on the machine slows them all equally. Fails if a response has an error or differs from the result of SQL.
 */
final class Benchmark {
    private static final int CONNECTIONS = 32;
    /** PostgreSQL alone may be faster with few connections, so pgbench is run with the better of both numbers. */
    private static final int FEW_CONNECTIONS = 8;

    private static final Duration ALONE = Duration.ofMillis(500);
    /** How long load runs before each measurement, to fill the caches as in a service under constant load. */
    private static final Duration BEFORE = Duration.ofSeconds(4);
    /** The number of requests that pgbench repeats. It accepts at most 128 scripts. */
    private static final int SAMPLES = 100;
    /** The number of those requests whose responses are compared with SQL. */
    private static final int CHECKED = 20;

    private static final List<String> SHORTCUTS = List.of("post", "property", "instrumentation", "observation");

    private static final OperatingSystemMXBean OWN = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private final Servers servers;
    private final Duration time;
    private final int rounds;
    private final List<String> only;
    private final boolean limits;
    private final List<String> shortcuts;
    /** Maps each workload of this build to the same workload of the other build. */
    private final Map<Workload, Workload> others = new HashMap<>();

    private final AtomicLong requests = new AtomicLong();
    private final Map<Workload, Results> results = new LinkedHashMap<>();
    private boolean staticIsWarm;

    private Benchmark(DefaultApplicationArguments arguments, Servers servers) {
        this.servers = servers;
        time = Duration.ofSeconds(Integer.parseInt(option(arguments, "seconds", "3")));
        rounds = Integer.parseInt(option(arguments, "rounds", "3"));
        only = only(arguments);
        limits = !arguments.containsOption("no-limits");
        shortcuts = arguments.containsOption("shortcuts") ? SHORTCUTS : List.of();
    }

    private static String option(DefaultApplicationArguments arguments, String name, String otherwise) {
        List<String> values = arguments.getOptionValues(name);
        return values == null || values.isEmpty() ? otherwise : values.getLast();
    }

    private static List<String> only(DefaultApplicationArguments arguments) {
        return List.of(option(arguments, "only", "").split(","));
    }

    private static List<String> options(DefaultApplicationArguments arguments, String name) {
        return Objects.requireNonNullElse(arguments.getOptionValues(name), List.of());
    }

    private static @Nullable Path path(DefaultApplicationArguments arguments, String name) {
        return arguments.containsOption(name) ? Path.of(option(arguments, name, "")) : null;
    }

    public static void main(String[] args) throws Exception {
        if (ManagementFactory.getRuntimeMXBean().getInputArguments().contains("-XX:TieredStopAtLevel=1")) {
            throw new IllegalStateException(
                    "The load would be slow: run with -Dspring-boot.test-run.optimizedLaunch=false");
        }
        DefaultApplicationArguments arguments = new DefaultApplicationArguments(args);
        List<String> javaOptions = options(arguments, "java");
        try (Servers servers = new Servers(
                javaOptions,
                path(arguments, "against"),
                path(arguments, "reference"),
                options(arguments, "against-java"))) {
            if (arguments.containsOption("pages")) {
                new PageTimes(servers.own.service(Kind.NOT_CACHED), servers.own.million, only(arguments)).run();
            } else {
                new Benchmark(arguments, servers).run();
            }
        }
    }

    private void run() throws IOException, InterruptedException {
        List<Workload> workloads = workloads(servers.own);
        for (Workload workload : workloads) {
            check(servers.own, workload, results.computeIfAbsent(workload, key -> new Results()));
        }
        if (servers.other != null) {
            List<Workload> ofOther = workloads(servers.other);
            for (int i = 0; i < workloads.size(); i++) {
                check(servers.other, ofOther.get(i), new Results());
                others.put(workloads.get(i), ofOther.get(i));
            }
        }
        System.out.printf("Responses are the same as from SQL%n");
        try {
            measure(workloads);
        } finally {
            printMachine();
            new Report(results).print();
        }
    }

    private void measure(List<Workload> workloads) throws IOException, InterruptedException {
        // Reads first, because writes leave rows that would slow them down.
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
    }

    private List<Workload> workloads(Build build) throws IOException, InterruptedException {
        build.service(Kind.NOT_CACHED);
        return new Workloads(build, name -> only.stream().anyMatch(name::contains)).all();
    }

    /** Compares responses with the results of SQL, and records the beginning that all later responses must have. */
    private void check(Build build, Workload workload, Results result) throws IOException, InterruptedException {
        List<String> answers = new ArrayList<>();
        // At least one request for each operation.
        int samples = Math.max(
                workload.isBoundedByPgBench() ? SAMPLES : CHECKED,
                workload.operations().size());
        long start = requests.getAndAdd(samples);
        ServiceProcess service = build.service(workload.kind());
        try (HttpConnection connection = new HttpConnection(service.graphQl(), service.token())) {
            PgBench.Request request = () -> answers.add(connection.post(workload.body(start + answers.size())));
            if (limits && servers.pgBench != null && workload.isBoundedByPgBench() && build == servers.own) {
                result.statements = servers.pgBench.watch(samples, request);
            } else {
                for (int i = 0; i < samples; i++) {
                    request.send();
                }
            }
        }
        for (int i = 0; i < CHECKED; i++) {
            workload.check(start + i, answers.get(i));
        }
        String first = answers.getFirst();
        int same = answers.stream()
                .map(answer -> Arrays.mismatch(first.toCharArray(), answer.toCharArray()))
                .mapToInt(at -> at < 0 ? first.length() : at)
                .min()
                .orElseThrow();
        // Values may start with the same characters by chance, so the common beginning is cut off before the value.
        result.beginning = first.substring(0, first.lastIndexOf(':', same) + 1);
        result.bytes = (int) answers.stream().mapToInt(String::length).average().orElseThrow();
    }

    private void measure(Workload workload, boolean warmUp) throws IOException, InterruptedException {
        // The results of a warm-up are discarded.
        Results result = warmUp ? new Results() : results.get(workload);
        result.service.add(measure(servers.own.service(workload.kind()), workload, workload, warmUp));
        if (servers.other != null) {
            Workload other = Objects.requireNonNull(others.get(workload));
            result.other.add(measure(servers.other.service(workload.kind()), other, workload, warmUp));
        }
        if (workload.kind() == Kind.NOT_CACHED) {
            for (String shortcut : shortcuts) {
                result.without
                        .computeIfAbsent(shortcut, key -> new ArrayList<>())
                        .add(measure(servers.own.without(shortcut), workload, workload, warmUp));
            }
        }
        if (limits) {
            measureStatements(workload, result, warmUp);
            result.staticDocument.add(measureStatic(workload, warmUp));
        }
    }

    private Measured measure(ServiceProcess service, Workload workload, Workload learnt, boolean warmUp)
            throws IOException, InterruptedException {
        String beginning = results.get(learnt).beginning;
        Duration duration = warmUp ? time.multipliedBy(3) : time;
        Load.run(service.graphQl(), service.token(), workload.connections(), BEFORE, bodies(workload), beginning);
        CacheUse cacheUse = CacheUse.of(service);
        long cpu = service.cpuTime().toNanos();
        long postgresCpu = servers.postgresCpuTime().toNanos();
        long ownCpu = OWN.getProcessCpuTime();
        Load.Result load = Load.run(
                service.graphQl(), service.token(), workload.connections(), duration, bodies(workload), beginning);
        cpu = service.cpuTime().toNanos() - cpu;
        postgresCpu = servers.postgresCpuTime().toNanos() - postgresCpu;
        ownCpu = OWN.getProcessCpuTime() - ownCpu;
        double hitRatio = cacheUse.hitRatioUntil(CacheUse.of(service));
        Load.Result alone = Load.run(service.graphQl(), service.token(), 1, ALONE, bodies(workload), beginning);
        double count = load.perSecond() * duration.toNanos() / 1e9;
        return new Measured(
                load,
                alone,
                (double) cpu / duration.toNanos(),
                cpu / 1e3 / count,
                postgresCpu / 1e3 / count,
                ownCpu / 1e3 / count,
                service.residentBytes() >> 20,
                hitRatio);
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
        String database = servers.own.database(workload.kind());
        if (warmUp) {
            Duration second = Duration.ofSeconds(1);
            double many = servers.pgBench.run(database, learnt.statements, CONNECTIONS, second);
            double few = servers.pgBench.run(database, learnt.statements, FEW_CONNECTIONS, second);
            learnt.clients = many > few ? CONNECTIONS : FEW_CONNECTIONS;
        } else {
            result.pgBench.add(servers.pgBench.run(database, learnt.statements, learnt.clients, time));
            result.pgBenchAlone.add(servers.pgBench.run(database, learnt.statements, 1, Duration.ofSeconds(1)));
        }
    }

    private double measureStatic(Workload workload, boolean warmUp) throws IOException, InterruptedException {
        ServiceProcess server = servers.own.service(Kind.STATIC);
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
                servers.own.million.queryForObject("show server_version", String.class),
                servers.pgBench == null ? "no pgbench, so without its figures" : servers.pgBench.version(),
                ServiceProcess.jar().getFileName(),
                CONNECTIONS);
    }
}
