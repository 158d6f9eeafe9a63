package dev.userdirectory;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Node and npm, in a folder with a {@code package.json}. */
public final class Npm {
    private static final Logger log = LoggerFactory.getLogger(Npm.class);
    private static final int OLDEST = 20;

    private Npm() {}

    /** Without Node, its tests are skipped with a message, unless {@code -Ddirectory.test.node=required}. */
    public static boolean canRun() throws InterruptedException {
        String wanted = "Node " + OLDEST + " or newer, with npm";
        try {
            String version = run(Path.of(""), Map.of(), "node", "--version").strip();
            run(Path.of(""), Map.of(), npm(), "--version");
            if (Integer.parseInt(version.substring(1, version.indexOf('.'))) >= OLDEST) {
                return true;
            }
            wanted += "; this is " + version;
        } catch (UncheckedIOException e) {
            wanted += "; there is none on the PATH";
        }
        if ("required".equals(System.getProperty("directory.test.node"))) {
            throw new IllegalStateException("It takes " + wanted);
        }
        log.warn("Not tested, for want of {}", wanted);
        return false;
    }

    /** Installs packages in one JVM at a time, since tests run in several JVMs. */
    public static void install(Path folder) throws IOException, InterruptedException {
        Path lock = folder.resolve("package-lock.json");
        Path installed = folder.resolve(Path.of("node_modules", ".package-lock.json"));
        try (FileChannel channel = FileChannel.open(Path.of("target", "npm.lock"), CREATE, WRITE);
                FileLock held = channel.lock()) {
            if (!Files.exists(installed)
                    || Files.getLastModifiedTime(installed).compareTo(Files.getLastModifiedTime(lock)) < 0) {
                run(folder, Map.of(), npm(), "ci", "--include=dev", "--loglevel=error", "--fetch-retries=5");
            }
        }
    }

    /** Runs a script of the folder's {@code package.json}. */
    public static void run(Path folder, String script) throws InterruptedException {
        run(folder, Map.of(), npm(), "run", script);
    }

    /** Returns the command's output. If the command fails, the error contains it. */
    public static String run(Path folder, Map<String, String> environment, String... command)
            throws InterruptedException {
        try {
            Process process = builder(folder, environment, command).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new AssertionError(String.join(" ", command) + " failed:\n" + output);
            }
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a server. Its output goes to {@code target/<name of the folder>.log}. */
    static Process start(Path folder, Map<String, String> environment, String... command) throws IOException {
        return builder(folder, environment, command)
                .redirectOutput(Path.of("target", folder.getFileName() + ".log").toFile())
                .start();
    }

    /** Waits until the server listens at its port. */
    static void await(Process server, int port) {
        Waiting.until(() -> {
            if (!server.isAlive()) {
                throw new IllegalStateException("The server has ended; see its log in target");
            }
            try (Socket socket = new Socket("localhost", port)) {
                return socket.isConnected();
            } catch (ConnectException e) {
                return false;
            }
        });
    }

    private static ProcessBuilder builder(Path folder, Map<String, String> environment, String... command) {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toAbsolutePath().toFile())
                .redirectErrorStream(true);
        builder.environment().putAll(environment);
        return builder;
    }

    private static String npm() {
        return System.getProperty("os.name").startsWith("Windows") ? "npm.cmd" : "npm";
    }
}
