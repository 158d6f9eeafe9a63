package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.SessionNotCreatedException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A Chromium that can reach no host but localhost. */
public class Browser {
    private static final Logger log = LoggerFactory.getLogger(Browser.class);
    private static final Path SCREENSHOTS = Path.of("target", "screenshots");

    private final ChromeDriver driver = new ChromeDriver(driver(), options());

    private Browser() {}

    /** Returns null, with a warning, if no Chromium starts, unless {@code -Ddirectory.test.browser=required}. */
    public static @Nullable Browser start() {
        try {
            return new Browser();
        } catch (SessionNotCreatedException e) {
            if ("required".equals(System.getProperty("directory.test.browser"))) {
                throw e;
            }
            log.warn("Not tested, for want of a browser: {}", e.getRawMessage());
            return null;
        }
    }

    public void open(Object address) {
        driver.get(address.toString());
    }

    public void reload() {
        driver.navigate().refresh();
    }

    /** Also narrower than a window can be. */
    public void resize(int width, int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    public void prefer(String theme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", theme))));
    }

    public WebElement find(String selector) {
        return patiently().ignoreExceptions().until(() -> driver.findElement(By.cssSelector(selector)), found -> true);
    }

    public void click(String selector) {
        patiently().ignoreExceptions().untilAsserted(() -> find(selector).click());
    }

    /** Replaces the text of one of GraphiQL's editors. */
    public void paste(String editor, String text) {
        script(
                "const editor = document.querySelector(arguments[0] + ' .CodeMirror').CodeMirror;"
                        + "editor.focus(); editor.execCommand('selectAll')",
                editor);
        driver.executeCdpCommand("Input.insertText", Map.of("text", text));
    }

    /** Returns the whole text of an editor, of which the page contains only the visible lines. */
    public String text(String editor) {
        find(editor + " .CodeMirror");
        return String.valueOf(
                script("return document.querySelector(arguments[0] + ' .CodeMirror').CodeMirror.getValue()", editor));
    }

    public void awaitText(String selector, String... text) {
        patiently()
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(find(selector).getText()).contains(text));
    }

    public @Nullable Object script(String script, Object... arguments) {
        return driver.executeScript(script, arguments);
    }

    public void screenshot(String name) throws IOException {
        Files.createDirectories(SCREENSHOTS);
        Files.write(SCREENSHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    }

    /** Returns the requests since the last call. */
    public List<JsonNode> requests() {
        List<JsonNode> requests = new ArrayList<>();
        for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            JsonNode event = JsonMapper.shared().readTree(entry.getMessage()).get("message");
            if (event.get("method").asString().equals("Network.requestWillBeSent")) {
                requests.add(event.at("/params/request"));
            }
        }
        return requests;
    }

    /** Returns the messages in the console since the last call, except a warning of GraphiQL's that changes nothing. */
    public List<String> complaints() {
        return StreamSupport.stream(driver.manage().logs().get(LogType.BROWSER).spliterator(), false)
                .map(LogEntry::getMessage)
                .filter(message -> !message.contains("Missing `Description`"))
                .toList();
    }

    public void quit() {
        driver.quit();
    }

    public static ConditionFactory patiently() {
        return await().atMost(Duration.ofSeconds(20));
    }

    private static ChromeDriverService driver() {
        File executable = Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(folder -> Stream.of(new File(folder, "chromedriver"), new File(folder, "chromedriver.exe")))
                .filter(File::canExecute)
                .findFirst()
                .orElseThrow(() -> new SessionNotCreatedException("There is no chromedriver on the PATH."));
        return new ChromeDriverService.Builder()
                .usingDriverExecutable(executable)
                .build();
    }

    private static ChromeOptions options() {
        LoggingPreferences logging = new LoggingPreferences();
        logging.enable(LogType.BROWSER, Level.ALL);
        logging.enable(LogType.PERFORMANCE, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setCapability(ChromeOptions.LOGGING_PREFS, logging);
        return options.addArguments(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,800",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost");
    }
}
