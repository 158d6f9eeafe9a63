package dev.userdirectory.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Prints medians over all rounds. A ratio compares measurements of the same round, which were taken shortly after one
 * another.
 */
final class Report {
    private final Map<Workload, Results> results;

    Report(Map<Workload, Results> results) {
        this.results = results;
    }

    /**
     * One measurement of a service.
     *
     * @param alone the load with one connection
     * @param cores the number of cores that the service kept busy
     * @param micros the processor time of the service for each request, in microseconds
     * @param postgresMicros the same for PostgreSQL
     * @param loadMicros the same for the process that sends the load
     * @param hitRatio the hit ratio of the cache; NaN if it is not used
     */
    record Measured(
            Load.Result load,
            Load.Result alone,
            double cores,
            double micros,
            double postgresMicros,
            double loadMicros,
            long megabytes,
            double hitRatio) {}

    /** How to measure one workload, and its measurements, one per round. */
    static final class Results {
        String beginning = "";
        int bytes;
        List<String> statements = List.of();
        int clients;
        final List<Measured> service = new ArrayList<>();
        final List<Measured> other = new ArrayList<>();
        /** Keyed by the shortcut that was switched off. */
        final Map<String, List<Measured>> without = new LinkedHashMap<>();

        final List<Double> pgBench = new ArrayList<>();
        /** With one client. */
        final List<Double> pgBenchAlone = new ArrayList<>();

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

        /**
         * The other build's processor time divided by this one's, each including PostgreSQL's. It varies less than the
         * rates do.
         */
        double microsOfOther() {
            return ratio(allMicros(other), allMicros(service));
        }

        double aloneOfPgBench() {
            return alone() / 1e3 * median(pgBenchAlone, rate -> rate);
        }

        /** How long a request takes when no other one is in flight, in milliseconds. */
        double alone() {
            return median(service, measured -> measured.alone().median());
        }
    }

    void print() {
        System.out.printf(
                "%n%-50s %8s %7s %7s %7s %6s %6s %6s %6s %6s %6s %6s | %8s %5s | %8s %5s | %8s %5s %5s%n",
                "", "per s", "p50 ms", "p99 ms", "alone", "cores", "µs", "pg µs", "load", "MiB", "bytes", "hits",
                "pgbench", "ratio", "static", "ratio", "other", "ratio", "by µs");
        results.forEach((workload, result) -> System.out.print(
                "%-50s %8.0f %7.2f %7.2f %7.2f %6.2f %6.0f %6.0f %6.0f %6.0f %6d %6.3f | %8.0f %5.2f | %8.0f %5.2f | %8.0f %5.2f %5.2f%n"
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
                                median(result.service, Measured::postgresMicros),
                                median(result.service, Measured::loadMicros),
                                median(result.service, Measured::megabytes),
                                result.bytes,
                                median(result.service, Measured::hitRatio),
                                median(result.pgBench, rate -> rate),
                                result.ofPgBench(),
                                median(result.staticDocument, rate -> rate),
                                result.ofStatic(),
                                median(perSecond(result.other), rate -> rate),
                                result.ofOther(),
                                result.microsOfOther())
                        // Figures that were not measured stay blank.
                        .replace("NaN", "   ")));
        results.forEach((workload, result) -> result.without.forEach((shortcut, without) -> System.out.printf(
                "%-33s with the shortcut %-12s %5.2f times as many per second, %5.2f of the processor time%n",
                workload.name(),
                shortcut,
                ratio(perSecond(result.service), perSecond(without)),
                ratio(micros(result.service), micros(without)))));
        System.out.printf("%n%-73s %9s %9s%n", "", "required", "measured");
        printGoal("Page at depth 900,000 : among the first", ">= 0.90", rate(Workloads.DEEP, Workloads.FIRST));
        printGoal("Page of 1,000,000 users : of 10,000", ">= 0.90", rate(Workloads.FIRST, Workloads.FIRST_OF_FEW));
        printGoal(
                "User by ID, not cached : static document",
                ">= 0.70",
                notCached(Workloads.USER).ofStatic());
        printGoal("First page : static document", ">= 0.85", of(Workloads.SAME).ofStatic());
        printGoal(
                "First page, not cached : static document",
                ">= 0.50",
                notCached(Workloads.SAME).ofStatic());
        printGoal(
                "20 users with groups : pgbench",
                ">= 0.40",
                notCached(Workloads.GROUPS).ofPgBench());
        printGoal(
                "_entities of 100 : pgbench",
                ">= 0.60",
                notCached(Workloads.ENTITIES).ofPgBench());
        printGoal("User by ID: with 1% writes : without", ">= 0.80", rate(Workloads.FEW_WRITES, Workloads.USER));
        for (String mixed : List.of(Workloads.FEW_WRITES, Workloads.SOME_WRITES)) {
            printGoal(mixed + ": cached : not cached", ">= 1.00", rate(mixed, Workloads.notCached(mixed)));
        }
        Results create = of(Workloads.CREATE);
        printGoal("createUser : pgbench", ">= 0.50", create.ofPgBench());
        printGoal("createUser alone, ms : pgbench", "<= 2.00", create.aloneOfPgBench());
        printGoal(
                "What totalCount adds to a page, ms",
                "<= 2.00",
                of(Workloads.TOTAL).alone() - notCached(Workloads.PAGE).alone());
        printGoal("Search for a rare text, ms", "< 20.00", of(Workloads.RARE).alone());
        printGoal(
                "Search for a common text : page",
                ">= 1.00",
                rate(Workloads.COMMON, Workloads.notCached(Workloads.PAGE)));
        printGoal(
                "Resident memory, MiB",
                "< 600.00",
                results.values().stream()
                        .flatMap(result -> result.service.stream())
                        .mapToDouble(Measured::megabytes)
                        .max()
                        .orElse(0));
    }

    private Results notCached(String name) {
        return of(Workloads.notCached(name));
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

    private static List<Double> allMicros(List<Measured> measured) {
        return measured.stream()
                .map(each -> each.micros() + each.postgresMicros())
                .toList();
    }

    private static double ratio(List<Double> one, List<Double> other) {
        List<Integer> rounds =
                IntStream.range(0, Math.min(one.size(), other.size())).boxed().toList();
        return median(rounds, round -> one.get(round) / other.get(round));
    }

    /** NaN if the list is empty. */
    private static <T> double median(List<T> list, ToDoubleFunction<T> value) {
        double[] sorted = list.stream().mapToDouble(value).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
