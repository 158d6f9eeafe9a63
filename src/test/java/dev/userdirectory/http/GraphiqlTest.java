package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
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
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * GraphiQL in a real browser that can reach no host but localhost. Skipped if no Chromium starts, unless
 * {@code -Ddirectory.test.browser=required}.
 */
@DirectoryTest
@EnabledIf(value = "startBrowser", disabledReason = "No Chromium starts. The log says why.")
class GraphiqlTest {
    private static final Logger log = LoggerFactory.getLogger(GraphiqlTest.class);
    private static final String TOKEN = Tokens.withScopes("users:read users:write");

    @SuppressWarnings("NullAway.Init") // set before any test
    private static ChromeDriver browser;

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    private final List<JsonNode> requests = new ArrayList<>();

    static boolean startBrowser() {
        try {
            browser = new ChromeDriver(driver(), options());
            return true;
        } catch (SessionNotCreatedException e) {
            if ("required".equals(System.getProperty("directory.test.browser"))) {
                throw e;
            }
            log.warn("GraphiQL is not tested, for want of a browser: {}", e.getRawMessage());
            return false;
        }
    }

    @AfterAll
    static void stopBrowser() {
        browser.quit();
    }

    @BeforeEach
    @AfterEach
    void forgetCharlie() {
        JsonNode charlie = client.data("{ userByEmail(email: \"charlie@example.com\") { id } }")
                .get("userByEmail");
        if (!charlie.isNull()) {
            client.data(
                    "mutation ($id: ID!) { deleteUser(id: $id) { errors { message } } }",
                    Map.of("id", charlie.get("id").asString()));
        }
    }

    @BeforeEach
    void open() {
        browser.get(client.uri("/graphiql").toString());
        signIn();
    }

    /** Signs in with a token, as all of these tests do. */
    private void signIn() {
        find("#token").sendKeys(TOKEN, Keys.ENTER);
    }

    @AfterEach
    void nothingIsAmiss() {
        assertThat(complaints()).isEmpty();
        assertThat(requests())
                .isNotEmpty()
                .extracting(request -> request.get("url").asString())
                .allMatch(url -> url.startsWith(client.uri("/").toString()) || url.startsWith("data:"));
    }

    @Test
    void runsTheQueryThatItOpensWith() {
        run();

        awaitResult("\"users\": {");
    }

    @Test
    void runsTheMutationOfTheTutorial() {
        paste("mutation { createUser(name: \"Charlie\", email: \"charlie@example.com\") { user { id name email } } }");
        run();

        awaitResult("\"name\": \"Charlie\"");
        awaitResult("\"email\": \"charlie@example.com\"");
    }

    @Test
    void showsWhatHappensUntilStopped() {
        paste("subscription { userEvents { type user { name } } }");
        run();

        // The page does not show when it has subscribed.
        patiently().untilAsserted(() -> {
            directory.createUser();
            assertThat(find(".result-window").getText()).contains("CREATED", "\"name\": \"User 0\"");
        });
        run();
    }

    @Test
    void sendsTheTokenAndForgetsItWithThePage() {
        paste("{ groups { totalCount } }");
        run();
        awaitResult("totalCount");

        assertThat(requests())
                .filteredOn(request -> request.path("postData").asString("").contains("totalCount"))
                .extracting(request -> request.at("/headers/Authorization").asString())
                .containsExactly("Bearer " + TOKEN);
        assertThat(script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"))
                .isEqualTo("[{},{},\"\"]");
        browser.navigate().refresh();
        assertThat(find("#token").getDomProperty("value")).isEmpty();
    }

    @Test
    void offersNoLocalSignInWhereThereIsNone() {
        assertThat(find("#sign-in").isDisplayed()).isFalse();
    }

    @Test
    void opensItsDialogsAndDocumentation() {
        find("[aria-label='Open settings dialog']").click();
        find(".graphiql-dialog-close").click();
        find("[aria-label='Show Documentation Explorer']").click();

        patiently()
                .untilAsserted(() ->
                        assertThat(find(".graphiql-doc-explorer").getText()).contains("Mutation"));
    }

    /** The requests that the browser has sent in this test; its log returns each event only once. */
    private List<JsonNode> requests() {
        for (LogEntry entry : browser.manage().logs().get(LogType.PERFORMANCE)) {
            JsonNode event = JsonMapper.shared().readTree(entry.getMessage()).get("message");
            if (event.get("method").asString().equals("Network.requestWillBeSent")) {
                requests.add(event.at("/params/request"));
            }
        }
        return requests;
    }

    /** The messages in the browser's console. A missing sign-in page is no fault: see {@code page.js}. */
    private List<String> complaints() {
        return StreamSupport.stream(browser.manage().logs().get(LogType.BROWSER).spliterator(), false)
                .map(LogEntry::getMessage)
                .filter(message -> !message.startsWith(client.uri("/graphiql/sign-in") + " "))
                .toList();
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

    private static void paste(String query) {
        script("const editor = document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror;"
                + "editor.focus(); editor.execCommand('selectAll')");
        browser.executeCdpCommand("Input.insertText", Map.of("text", query));
    }

    private static void run() {
        find(".graphiql-execute-button").click();
    }

    private static void awaitResult(String text) {
        patiently()
                .untilAsserted(
                        () -> assertThat(find(".result-window").getText()).contains(text));
    }

    private static WebElement find(String selector) {
        return patiently().ignoreExceptions().until(() -> browser.findElement(By.cssSelector(selector)), found -> true);
    }

    private static ConditionFactory patiently() {
        return await().atMost(Duration.ofMinutes(1));
    }

    private static @Nullable Object script(String script) {
        return browser.executeScript(script);
    }
}
