package dev.userdirectory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Prints which test classes took longest, from the reports in the folders given as arguments. */
final class TestTimes {
    private static final int SHOWN = 15;
    private static final Pattern SUITE = Pattern.compile("<testsuite [^>]*\\bname=\"([^\"]+)\" time=\"([0-9.,]+)\"");

    private TestTimes() {}

    private record Time(String name, double seconds) {}

    static void main(String... folders) throws IOException {
        List<Time> times = new ArrayList<>();
        for (String folder : folders) {
            if (Files.isDirectory(Path.of(folder))) {
                read(Path.of(folder), times);
            }
        }
        times.sort(Comparator.comparingDouble(Time::seconds).reversed());
        System.out.printf(
                "%d test classes took %.0f s, side by side; the slowest:%n",
                times.size(), times.stream().mapToDouble(Time::seconds).sum());
        times.stream().limit(SHOWN).forEach(time -> System.out.printf("%7.1f s  %s%n", time.seconds, time.name));
    }

    private static void read(Path folder, List<Time> times) throws IOException {
        try (Stream<Path> reports = Files.list(folder)) {
            for (Path report :
                    reports.filter(file -> file.toString().endsWith(".xml")).toList()) {
                Matcher suite = SUITE.matcher(Files.readString(report));
                if (suite.find()) {
                    times.add(new Time(
                            suite.group(1), Double.parseDouble(suite.group(2).replace(",", ""))));
                }
            }
        }
    }
}
