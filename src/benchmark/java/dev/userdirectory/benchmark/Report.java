package dev.userdirectory.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** Medians over the rounds, and of the ratios in each round, since what is compared in a round ran one after the other. */
final class Report {
    private final Map<Workload, Results> results;

    Report(Map<Workload, Results> results) {
        this.results = results;
    }

    /**
     * One measurement of a service.
     *
     * @param alone with one connection
     * @param cores that the service kept busy
     * @param micros of a core for each request, in the service
     * @param loadMicros likewise in what sends the load
     */
    record Measured(
            Load.Result load, Load.Result alone, double cores, double micros, double loadMicros, long megabytes) {}

    /** Of one workload: what it takes to measure it, and a measurement for each round. */
    static final class Results {
        String beginning = "";
        int bytes;
        List<String> statements = List.of();
        int clients;
        final List<Measured> service = new ArrayList<>();
        final List<Measured> other = new ArrayList<>();
        /** By the shortcut that was switched off. */
        final Map<String, List<Measured>> without = new LinkedHashMap<>();

        final List<Double> pgBench = new ArrayList<>();
        final List<Double> staticDocument = new ArrayList<>();

        double ofPgBench() {
            return ratio(perSecond(service), pgBench);
        }

        double ofStatic() {
            return ratio(perSecond(service), staticDocument);
        }

        double ofOther() {
            return ratio(perSecond(service), perSecond(other));
        }

        /** The other build's processor time for each request, by this one's. Varies less than the rates do. */
        double microsOfOther() {
            return ratio(micros(other), micros(service));
        }

        /** Milliseconds of a request that has the service to itself. */
        double alone() {
            return median(service, measured -> measured.alone().median());
        }
    }

    /** @param megabytes resident in the service after all of it */
    void print(double megabytes) {
        System.out.printf(
                "%n%-33s %8s %7s %7s %7s %6s %6s %6s %6s %6s | %8s %5s | %8s %5s | %8s %5s %5s%n",
                "", "per s", "p50 ms", "p99 ms", "alone", "cores", "µs", "load", "MiB", "bytes", "pgbench", "ratio",
                "static", "ratio", "other", "ratio", "by µs");
        results.forEach((workload, result) -> System.out.print(
                "%-33s %8.0f %7.2f %7.2f %7.2f %6.2f %6.0f %6.0f %6.0f %6d | %8.0f %5.2f | %8.0f %5.2f | %8.0f %5.2f %5.2f%n"
                        .formatted(
                                workload.name(),
                                median(perSecond(result.service), rate -> rate),
                                median(
                                        result.service,
                                        measured -> measured.load().median()),
                                median(
                                        result.service,
                                        measured -> measured.load().percentile99()),
                                result.alone(),
                                median(result.service, Measured::cores),
                                median(result.service, Measured::micros),
                                median(result.service, Measured::loadMicros),
                                median(result.service, Measured::megabytes),
                                result.bytes,
                                median(result.pgBench, rate -> rate),
                                result.ofPgBench(),
                                median(result.staticDocument, rate -> rate),
                                result.ofStatic(),
                                median(perSecond(result.other), rate -> rate),
                                result.ofOther(),
                                result.microsOfOther())
                        // What was not measured.
                        .replace("NaN", "   ")));
        results.forEach((workload, result) -> result.without.forEach((shortcut, without) -> System.out.printf(
                "%-33s with the shortcut %-12s %5.2f times as many per second, %5.2f of the processor time%n",
                workload.name(),
                shortcut,
                ratio(perSecond(result.service), perSecond(without)),
                ratio(micros(result.service), micros(without)))));
        System.out.printf("%n%-73s %9s %9s%n", "", "required", "measured");
        printGoal("Page at depth 900,000 : first page", ">= 0.90", rate(Workloads.DEEP, Workloads.FIRST));
        printGoal(
                "First page of 1,000,000 users : of 10,000", ">= 0.90", rate(Workloads.FIRST, Workloads.FIRST_OF_FEW));
        printGoal("User by ID : static document", ">= 0.50", of(Workloads.USER).ofStatic());
        printGoal("First page : static document", ">= 0.50", of(Workloads.FIRST).ofStatic());
        printGoal(
                "20 users with groups : pgbench",
                ">= 0.40",
                of(Workloads.GROUPS).ofPgBench());
        printGoal(
                "First page, cached : static document",
                ">= 0.85",
                of(Workloads.CACHED).ofStatic());
        printGoal(
                "User by ID, cached: with 1% createUser : without",
                ">= 0.80", rate(Workloads.CACHED_RARELY_MIXED, Workloads.CACHED_USER));
        printGoal(
                "99% user, 1% createUser: cached : uncached",
                ">= 1.00", rate(Workloads.CACHED_RARELY_MIXED, Workloads.RARELY_MIXED));
        printGoal(
                "90% user, 10% createUser: cached : uncached",
                ">= 1.00", rate(Workloads.CACHED_MIXED, Workloads.MIXED));
        printGoal(
                "_entities of 100 : pgbench", ">= 0.90", of(Workloads.ENTITIES).ofPgBench());
        printGoal("createUser : pgbench", ">= 0.50", of(Workloads.CREATE).ofPgBench());
        printGoal(
                "What totalCount adds to a page, ms",
                "<= 2.00",
                of(Workloads.TOTAL).alone() - of(Workloads.FIRST).alone());
        printGoal(
                "Search for a rare substring, ms", "< 20.00", of(Workloads.RARE).alone());
        printGoal("Search for a common substring : first page", ">= 1.00", rate(Workloads.COMMON, Workloads.FIRST));
        printGoal("Resident memory after all of it, MiB", "< 600.00", megabytes);
    }

    private static void printGoal(String what, String required, double measured) {
        if (!Double.isNaN(measured)) {
            System.out.printf("%-73s %9s %9.2f%n", what, required, measured);
        }
    }

    private Results of(String name) {
        return results.entrySet().stream()
                .filter(entry -> entry.getKey().name().equals(name))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElseGet(Results::new);
    }

    private double rate(String one, String other) {
        return ratio(perSecond(of(one).service), perSecond(of(other).service));
    }

    private static List<Double> perSecond(List<Measured> measured) {
        return measured.stream().map(each -> each.load().perSecond()).toList();
    }

    private static List<Double> micros(List<Measured> measured) {
        return measured.stream().map(Measured::micros).toList();
    }

    private static double ratio(List<Double> one, List<Double> other) {
        List<Integer> rounds =
                IntStream.range(0, Math.min(one.size(), other.size())).boxed().toList();
        return median(rounds, round -> one.get(round) / other.get(round));
    }

    /** Not a number if there is nothing. */
    private static <T> double median(List<T> list, ToDoubleFunction<T> value) {
        double[] sorted = list.stream().mapToDouble(value).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }
}
