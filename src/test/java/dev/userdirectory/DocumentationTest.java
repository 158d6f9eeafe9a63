package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import graphql.language.AstPrinter;
import graphql.language.Document;
import graphql.language.FieldDefinition;
import graphql.language.InputValueDefinition;
import graphql.language.ObjectTypeDefinition;
import graphql.parser.Parser;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs the commands and GraphQL documents of all pages as they are printed, against a service started as by
 * {@code spring-boot:test-run}; only hosts and ports are replaced. The blocks below a command show its output, in which
 * "…" stands for a value that differs each time. A command with several outputs is run once for each. The block after a
 * command that follows the feed is a mutation, which is run meanwhile.
 */
@EnabledIf(value = "hasShell", disabledReason = "There is no bash, or no curl.")
class DocumentationTest {
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

    /** The beginnings of blocks that are not run, each with its reason. */
    private static final Map<String, String> NOT_RUN = Map.ofEntries(
            Map.entry("./mvnw", "builds the project, or starts a service or a benchmark"),
            Map.entry("docker compose", "starts containers"),
            Map.entry("PORTS=", "starts containers"),
            Map.entry("export MANAGEMENT_OPENTELEMETRY", "starts containers"),
            Map.entry("export DIRECTORY_WEBHOOKS", "starts containers"),
            Map.entry("SPRING_DATASOURCE_URL=", "needs a database and an issuer at their addresses"),
            Map.entry("psql", "needs PostgreSQL's client programs and another role"),
            Map.entry("pg_dump", "needs PostgreSQL's client programs and a database to overwrite"),
            Map.entry("kubectl", "needs a cluster"),
            Map.entry("rover", "publishes to a registry"),
            Map.entry("cd examples/", "starts an example; its test starts a part of it, or a build of it"),
            Map.entry("curl -s http://localhost:4000", "asks the gateway; so does ExampleCommandsTest"),
            Map.entry("npm pack", "downloads files that are in the repository"),
            Map.entry("npm install", "installs the code generator; codegen.test.js runs it"),
            Map.entry("{ \"query\": \"query …\"", "is a request"));

    /** Java and TypeScript are run by GeneratedClientTest and codegen.test.js. */
    private static final Set<String> OTHER_LANGUAGES =
            Set.of("java", "ts", "kotlin", "xml", "yaml", "powershell", "http");

    /** The order of an object's members does not matter. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .build();

    private record Block(Path page, String language, String text) {
        boolean isRun() {
            return NOT_RUN.keySet().stream().noneMatch(text::startsWith);
        }

        boolean isStream() {
            return text.contains("text/event-stream");
        }

        @Override
        public String toString() {
            return page + ": " + text;
        }
    }

    @TempDir
    static Path folder;

    @SuppressWarnings("NullAway.Init") // set before any test
    private static ConfigurableApplicationContext service;

    private static final int ISSUER_PORT = Ports.freePort();

    @SuppressWarnings("NullAway.Init")
    private static Client client;

    private static String token = "";

    static boolean hasShell() {
        return Stream.of("bash", "curl").allMatch(program -> {
            try {
                return new ProcessBuilder(program, "--version")
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor(1, TimeUnit.MINUTES);
            } catch (IOException e) {
                return false;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    @BeforeAll
    static void start() throws Exception {
        service = LocalService.start("documentation", ISSUER_PORT);
        client = new Client((WebServerApplicationContext) service);
        token = shell(block("README.md", "TOKEN=").text() + "\necho; echo \"$TOKEN\"")
                .lines()
                .toList()
                .getLast();
        client = client.withToken(token);
    }

    @AfterAll
    static void stop() {
        service.close();
    }

    static List<Path> pages() throws IOException {
        return LinksTest.pages();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void blocksProduceTheOutputOnThePage(Path page) throws Exception {
        if (Files.readString(page).contains("fresh sample directory")) {
            startOver();
        }
        List<Block> blocks = blocks(page);
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            if (block.isStream()) {
                assertOutput(block, blocks.get(i + 2), stream(block, blocks.get(i + 1), blocks.get(i + 2)));
                i += 2;
                continue;
            }
            List<Block> shown = blocks.stream()
                    .skip(i + 1L)
                    .takeWhile(next -> Set.of("json", "text").contains(next.language()))
                    .toList();
            i += shown.size();
            if (OTHER_LANGUAGES.contains(block.language()) || !block.isRun()) {
                continue;
            }
            assertThat(block.language()).as("The language of " + block).isIn("sh", "graphql", "sql");
            if (block.text().startsWith("type ")) {
                assertThat(schemaOf(readSchema())).as(block.toString()).containsAllEntriesOf(schemaOf(block.text()));
                continue;
            }
            if (shown.isEmpty()) {
                assertThat(run(block)).as(block.toString()).doesNotContain("\"errors\"");
            }
            for (Block output : shown) {
                assertOutput(block, output, run(block));
            }
        }
    }

    @Test
    void everyReasonNotToRunIsNeeded() throws IOException {
        List<Block> blocks = new ArrayList<>();
        for (Path page : pages()) {
            blocks.addAll(blocks(page));
        }
        assertThat(NOT_RUN.keySet())
                .allSatisfy(start ->
                        assertThat(blocks).anyMatch(block -> block.text().startsWith(start)));
    }

    @Test
    void frontPageShowsCommandsThatWork() throws Exception {
        String page =
                client.send(HttpRequest.newBuilder(client.uri("/")).build()).body();
        String commands = Pattern.compile("<pre[^>]*><code>(.*?)</code></pre>", Pattern.DOTALL)
                .matcher(page)
                .results()
                .map(command -> command.group(1).replaceAll("<[^>]*>", ""))
                .collect(Collectors.joining("\n", "unset TOKEN\n", ""));

        assertThat(commands).contains("localhost:" + ISSUER_PORT);
        assertThat(shell(commands)).contains("\"name\":\"Alice\"").doesNotContain("errors");
    }

    /** The README has one user created. */
    private static void startOver() {
        service.getBean(JdbcTemplate.class).update("delete from users where email = 'charlie@example.com'");
    }

    private static void assertOutput(Block block, Block output, String actual) {
        UnaryOperator<String> form = output.language().equals("json")
                ? json -> JSON.writeValueAsString(JSON.readValue(json, Object.class))
                : String::strip;
        String expected = form.apply(output.text());
        String found = form.apply(actual);
        if (!pattern(expected).matcher(found).matches()) {
            assertThat(found).as(block.toString()).isEqualTo(expected);
        }
    }

    private static Pattern pattern(String text) {
        return Pattern.compile(Stream.of(text.split("…", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining("(?:[^\"\\\\\n]|\\\\.)*")));
    }

    private static String run(Block block) throws Exception {
        return switch (block.language()) {
            case "graphql" -> client.post(block.text()).body();
            case "sql" -> {
                service.getBean(JdbcTemplate.class).execute(block.text());
                yield "";
            }
            default -> shell(block.text());
        };
    }

    private static String shell(String command) throws Exception {
        Path output = Files.createTempFile(folder, "output", "");
        Process process = start(command, output);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).as("Ends: " + command).isTrue();
        assertThat(process.exitValue()).as(command).isZero();
        return Files.readString(output);
    }

    /** The first lines of an endless stream, without comments. It shows the changes that are made while it is open. */
    private static String stream(Block block, Block mutation, Block output) throws Exception {
        Path file = Files.createTempFile(folder, "output", "");
        Process process = start(block.text(), file);
        try {
            Waiting.until(() -> service.getBean(MeterRegistry.class)
                            .get("directory.feed.subscribers")
                            .gauge()
                            .value()
                    > 0);
            assertThat(run(mutation)).as(mutation.toString()).contains("\"errors\":[]");
            long lines = output.text().lines().count();
            Waiting.until(
                    () -> Files.readString(file).endsWith("\n") && lines(file).size() >= lines);
            return lines(file).stream().limit(lines).collect(Collectors.joining("\n"));
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> !line.isEmpty() && !line.startsWith(":"))
                .toList();
    }

    private static Process start(String command, Path output) throws IOException {
        String server = client.uri("").toString();
        ProcessBuilder builder = new ProcessBuilder(
                        "bash",
                        "-euo",
                        "pipefail",
                        "-c",
                        command.replace("http://localhost:8080", server)
                                .replace("https://directory.example.com", server)
                                .replace("localhost:8090", "localhost:" + ISSUER_PORT))
                .directory(folder.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(output.toFile());
        builder.environment().put("TOKEN", token);
        return builder.start();
    }

    private static List<Block> blocks(Path page) throws IOException {
        return BLOCK.matcher(Files.readString(page))
                .results()
                .map(block -> new Block(page, block.group(1), block.group(2)))
                .toList();
    }

    private static Block block(String page, String start) throws IOException {
        return blocks(Path.of(page)).stream()
                .filter(block -> block.text().startsWith(start))
                .findFirst()
                .orElseThrow();
    }

    private static String readSchema() throws IOException {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("src", "main", "resources", "schema"))) {
            for (Path file : files.toList()) {
                text.append(Files.readString(file)).append('\n');
            }
        }
        return text.toString();
    }

    /** The type of each field and argument, by type, field and argument. */
    private static Map<String, String> schemaOf(String text) {
        Map<String, String> types = new LinkedHashMap<>();
        Document document = Parser.parse(text);
        for (ObjectTypeDefinition type : document.getDefinitionsOfType(ObjectTypeDefinition.class)) {
            for (FieldDefinition field : type.getFieldDefinitions()) {
                String name = type.getName() + "." + field.getName();
                types.put(name, AstPrinter.printAst(field.getType()));
                for (InputValueDefinition argument : field.getInputValueDefinitions()) {
                    types.put(name + "." + argument.getName(), AstPrinter.printAst(argument.getType()));
                }
            }
        }
        return types;
    }
}
