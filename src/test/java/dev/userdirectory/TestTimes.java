package dev.userdirectory;

import java.io.IOException;
import java.lang.classfile.AttributedElement;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.constant.ClassDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Prints how long the tests took, and which tests only {@code -Psoak} runs. */
final class TestTimes {
    private static final int SHOWN = 15;
    private static final Pattern SUITE =
            Pattern.compile("<testsuite [^>]*\\bname=\"([^\"]+)\" time=\"([0-9.,]+)\" tests=\"([0-9]+)\"");
    private static final ClassDesc SOAK = ClassDesc.of("dev.userdirectory.Soak");

    private TestTimes() {}

    /** The report of a test class. */
    private record Report(String name, double seconds, int tests, Instant end) {
        Instant start() {
            return end.minusMillis(Math.round(seconds * 1000));
        }
    }

    /** @param arguments when the build started, the folder of the test classes, and folders of reports */
    static void main(String... arguments) throws IOException {
        Instant started = Instant.parse(arguments[0]);
        List<Report> all = new ArrayList<>();
        System.out.println("Where the time of the tests went:");
        for (String folder : List.of(arguments).subList(2, arguments.length)) {
            List<Report> reports = reports(Path.of(folder), started);
            if (!reports.isEmpty()) {
                print(Path.of(folder).getFileName().toString(), reports);
                all.addAll(reports);
            }
        }
        System.out.println("The slowest:");
        all.stream()
                .sorted(Comparator.comparingDouble(Report::seconds).reversed())
                .limit(SHOWN)
                .forEach(report -> System.out.printf("%7.1f s  %s%n", report.seconds, report.name));
        printLeftOut(Path.of(arguments[1]), all.stream().map(Report::name).collect(Collectors.toSet()));
    }

    private static void print(String group, List<Report> reports) {
        Instant start = reports.stream()
                .map(Report::start)
                .min(Comparator.naturalOrder())
                .orElseThrow();
        Instant end =
                reports.stream().map(Report::end).max(Comparator.naturalOrder()).orElseThrow();
        System.out.printf(
                "%5d s  %s: %d tests of %d classes, which took %.0f s one after the other%n",
                Duration.between(start, end).toSeconds(),
                group,
                reports.stream().mapToInt(Report::tests).sum(),
                reports.size(),
                reports.stream().mapToDouble(Report::seconds).sum());
    }

    /** Reads only the reports of this build. */
    private static List<Report> reports(Path folder, Instant started) throws IOException {
        List<Report> reports = new ArrayList<>();
        for (Path file : files(folder, ".xml")) {
            Instant end = Files.getLastModifiedTime(file).toInstant();
            Matcher suite = SUITE.matcher(Files.readString(file));
            if (!end.isBefore(started) && suite.find()) {
                reports.add(new Report(
                        suite.group(1),
                        Double.parseDouble(suite.group(2).replace(",", "")),
                        Integer.parseInt(suite.group(3)),
                        end));
            }
        }
        return reports;
    }

    private static void printLeftOut(Path classes, Set<String> ran) throws IOException {
        List<String> soak = new ArrayList<>();
        List<String> others = new ArrayList<>();
        int methods = 0;
        for (Path file : files(classes, ".class")) {
            ClassModel model = ClassFile.of().parse(file);
            String name = model.thisClass().asInternalName().replace('/', '.');
            if (!name.matches(".*(Test|IT)") || model.flags().has(AccessFlag.ANNOTATION)) {
                continue;
            }
            if (isSoak(model)) {
                soak.add(name);
            } else {
                others.add(name);
                methods +=
                        (int) model.methods().stream().filter(TestTimes::isSoak).count();
            }
        }
        soak.removeAll(ran);
        others.removeAll(ran);
        if (!soak.isEmpty()) {
            System.out.printf(
                    "%d test classes and %d tests of other classes are left to -Psoak: %s%n",
                    soak.size(), methods, simpleNames(soak));
        }
        if (!others.isEmpty()) {
            System.out.printf("%d more test classes did not run: %s%n", others.size(), simpleNames(others));
        }
    }

    private static boolean isSoak(AttributedElement element) {
        return element.findAttribute(Attributes.runtimeVisibleAnnotations()).stream()
                .flatMap(attribute -> attribute.annotations().stream())
                .anyMatch(annotation -> annotation.classSymbol().equals(SOAK));
    }

    private static String simpleNames(Collection<String> names) {
        return names.stream()
                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                .sorted()
                .collect(Collectors.joining(", "));
    }

    private static List<Path> files(Path folder, String suffix) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(suffix)).toList();
        }
    }
}
