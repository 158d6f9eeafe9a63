package dev.userdirectory.benchmark;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Measures the upper bound that PostgreSQL sets: {@code pgbench} repeats the statements that the service has sent, with
 * the same values, as prepared statements.
 */
final class PgBench {
    private static final String MARK = "benchmark: ";
    private static final Pattern EXECUTE = Pattern.compile("execute [^:]+: (.*)", Pattern.DOTALL);
    private static final Pattern OF_A_REQUEST =
            Pattern.compile("(?!.*\\buser_events\\b).*\\b(users|groups)\\b.*", Pattern.DOTALL);
    private static final Pattern PARAMETER = Pattern.compile("\\$(\\d+)");
    private static final Pattern VALUE = Pattern.compile("\\$\\d+ = (?:NULL|'((?:[^']++|'')*+)')");
    private static final Pattern PER_SECOND = Pattern.compile("tps = ([0-9.]+)");

    private final Path program;
    private final EmbeddedPostgres postgres;
    private final JdbcTemplate jdbc;
    private final Path log;

    private static final String INSERT = """
            insert into users (id, name, email, active, created_at, updated_at, version)
            values (uuidv7(), 'Benchmark', :new::text || '%s', true, now(), now(), 0);
            """.formatted(Writes.CREATED);

    private PgBench(Path program, EmbeddedPostgres postgres, Path log) {
        this.program = program;
        this.postgres = postgres;
        jdbc = new JdbcTemplate(postgres.getPostgresDatabase());
        this.log = log;
        logStatements("none"); // in case an earlier run was killed
    }

    /**
     * @param log the log of the server, in JSON
     * @return the program that the environment variable {@code PGBENCH} names or, without it, the first {@code pgbench}
     *     on the path; empty if there is none
     */
    static Optional<PgBench> find(EmbeddedPostgres postgres, Path log) {
        String named = System.getenv("PGBENCH");
        List<Path> candidates = named != null
                ? List.of(Path.of(named))
                : Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, "pgbench"))
                        .toList();
        return candidates.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .map(file -> new PgBench(file, postgres, log));
    }

    String version() throws IOException {
        Process process = new ProcessBuilder(program.toString(), "--version").start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    }

    interface Request {
        void send() throws IOException;
    }

    private record Statement(String sql, List<Optional<String>> values) {}

    /**
     * Sends requests, and records the statements that the service sends for them.
     *
     * @return arguments of {@code pgbench} that run the same statements; empty if there were none
     */
    List<String> watch(int times, Request request) throws IOException, InterruptedException {
        String end = MARK + System.nanoTime();
        logStatements("all");
        Thread.sleep(300); // until every process of the server has reloaded its configuration
        for (int i = 0; i < times; i++) {
            jdbc.execute("select '%srequest %d'".formatted(MARK, i));
            request.send();
        }
        jdbc.execute("select '%s'".formatted(end));
        logStatements("none");
        List<String> arguments = new ArrayList<>();
        for (List<Statement> statements : new LinkedHashSet<>(read(end))) {
            if (!statements.isEmpty()) {
                addScript(statements, arguments);
            }
        }
        return arguments;
    }

    private void logStatements(String which) {
        jdbc.execute("alter system set log_statement = '%s'".formatted(which));
        jdbc.execute("select pg_reload_conf()");
    }

    /** Returns the statements of each request, in the order in which the service sent them. */
    private List<List<Statement>> read(String end) throws IOException, InterruptedException {
        String text = Files.readString(log);
        while (!text.contains(end) || !text.endsWith("\n")) {
            Thread.sleep(50);
            text = Files.readString(log);
        }
        List<List<Statement>> requests = new ArrayList<>();
        for (JsonNode line : text.lines().map(JsonMapper.shared()::readTree).toList()) {
            String message = line.path("message").asString("");
            Matcher execute = EXECUTE.matcher(message);
            if (message.contains(MARK + "request 0")) {
                requests.clear();
            }
            if (message.contains(MARK)) {
                requests.add(new ArrayList<>());
            } else if (!requests.isEmpty()
                    && execute.matches()
                    && OF_A_REQUEST.matcher(execute.group(1)).matches()) {
                requests.getLast().add(new Statement(execute.group(1), values(line)));
            }
        }
        return requests;
    }

    private static List<Optional<String>> values(JsonNode line) {
        return VALUE.matcher(line.path("detail").asString(""))
                .results()
                .map(value -> Optional.ofNullable(value.group(1)).map(text -> text.replace("''", "'")))
                .toList();
    }

    /** Each value becomes a variable, because pgbench sends variables as parameters. */
    private static void addScript(List<Statement> statements, List<String> arguments) throws IOException {
        String prefix = "v" + arguments.size() + "_";
        StringBuilder script = new StringBuilder("\\set new random(1, 1000000000000000000)\n");
        for (Statement statement : statements) {
            if (statement.sql.contains("insert into users")) {
                // The service may insert the users of several requests with one statement. This inserts the user of one
                // request.
                script.append(INSERT);
                continue;
            }
            script.append(PARAMETER.matcher(statement.sql).replaceAll(parameter -> {
                Optional<String> value = statement.values.get(Integer.parseInt(parameter.group(1)) - 1);
                if (value.isEmpty()) {
                    return "null";
                }
                String name = prefix + arguments.size();
                arguments.addAll(List.of("-D", name + "=" + value.get()));
                // The driver sends types. Without types, PostgreSQL infers all of them except that of this array.
                return ":" + name + (value.get().startsWith("{") ? "::uuid[]" : "");
            }));
            script.append(";\n");
        }
        Path file = Files.writeString(Files.createTempFile("benchmark", ".sql"), script);
        file.toFile().deleteOnExit();
        arguments.addAll(List.of("-f", file.toString()));
    }

    /** @return transactions per second */
    double run(String database, List<String> arguments, int clients, Duration time)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(program.toString(), "-n", "-M", "prepared", "-h", "localhost", "-p", "" + postgres.getPort()));
        command.addAll(List.of("-U", "postgres", "-c", "" + clients, "-j", "2", "-T", "" + time.toSeconds()));
        command.addAll(arguments);
        command.add(database);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Matcher perSecond = PER_SECOND.matcher(output);
        if (process.waitFor() != 0 || !perSecond.find()) {
            throw new IllegalStateException("pgbench: " + output);
        }
        return Double.parseDouble(perSecond.group(1));
    }
}
