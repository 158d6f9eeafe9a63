package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LONG;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The application in {@code examples/relay}, in a real browser. */
@Soak("builds an example and starts a browser")
@EnabledIf(value = "canRun", disabledReason = "There is no Node, or no Chromium starts. The log says which.")
class RelayExampleTest {
    @SuppressWarnings("NullAway.Init") // set before any test
    private static Browser browser;

    @SuppressWarnings("NullAway.Init")
    private static RelayExample page;

    static boolean canRun() throws InterruptedException {
        Browser started = Npm.canRun() ? Browser.start() : null;
        if (started != null) {
            browser = started;
        }
        return started != null;
    }

    @BeforeAll
    static void start() throws Exception {
        page = new RelayExample(browser);
    }

    @AfterAll
    static void stop() {
        browser.quit();
        page.close();
    }

    @BeforeEach
    void signIn() throws IOException {
        page.openAnew();
        browser.complaints();
        page.signIn();
    }

    @Test
    void pagesThroughEveryUser() {
        for (int shown : new int[] {10, 20, 30}) {
            Browser.patiently().until(() -> page.rows() == shown);
            browser.click("main > button");
        }

        browser.awaitText("main", "These are all 38 users.");
        assertThat(page.rows()).isEqualTo(38);
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void showsChangesByOtherClients() {
        String id = page.bobCreates("Wilma");
        browser.awaitText(".feed", "bob created Wilma.");
        browser.awaitText(".users li:first-child", "Wilma");

        page.bobUpdates(id, "Wilma Ruiz", false);
        browser.awaitText(".users li:first-child", "Wilma Ruiz", "inactive");

        page.bobDeletes(id);
        browser.awaitText(".feed", "bob deleted a user.");
        assertThat(browser.find(".users").getText()).doesNotContain("Wilma");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void resumesAfterADisconnect() throws IOException {
        page.bobCreates("Vera");
        browser.awaitText(".users li:first-child", "Vera");
        page.disconnect();
        page.reconnect();
        browser.awaitText(".feed", "bob created Vera.");

        page.disconnect();
        page.bobCreates("Xenia");
        page.reconnect();
        browser.awaitText(".users li:nth-child(1)", "Xenia");
        browser.awaitText(".users li:nth-child(2)", "Vera");
        assertThat(page.rows()).isEqualTo(12);
    }

    @Test
    void readsTheListAgainIfTheFeedHasExpired() throws IOException {
        page.disconnect();
        page.bobCreates("Zoe");
        page.bobCreates("Zora");
        page.forgetAllEventsButTheNewest();
        page.reconnect();

        browser.awaitText(".users li:nth-child(1)", "Zora");
        browser.awaitText(".users li:nth-child(2)", "Zoe");
        browser.awaitText(".feed", "Following");
    }

    @Test
    void savesAnEdit() {
        String id = page.bobCreates("Edna");
        page.edit("Edna");
        page.fill("name", "Edna May");
        page.save();

        page.awaitSaved();
        assertThat(page.row("Edna May").isDisplayed()).isTrue();
        assertThat(page.user(id).get("name").asString()).isEqualTo("Edna May");
    }

    @Test
    void showsWhyAnEditIsRejected() {
        page.bobCreates("Rita");
        page.edit("Rita");
        page.fill("name", " ");
        page.fill("email", "alice@example.com");
        page.save();

        browser.awaitText("dialog", "A name has 1 to 200 characters.", "Another user has this e-mail address.");
    }

    @Test
    void mergesAConflict() {
        String id = page.conflict("Mira");
        browser.click(".conflict button:last-of-type");
        page.save();

        page.awaitSaved();
        assertThat(page.user(id))
                .hasToString("{\"name\":\"Mira of Bob\",\"email\":\"new.mira@bob.example\",\"active\":false}");
    }

    @Test
    void reloadsAfterAConflict() {
        page.conflict("Nora");
        browser.click(".conflict button:first-of-type");

        assertThat(browser.find("input[name=name]").getDomProperty("value")).isEqualTo("Nora of Bob");
        assertThat(browser.find("input[name=email]").getDomProperty("value")).isEqualTo("nora@bob.example");
    }

    @ParameterizedTest
    @CsvSource({"1280, light", "1280, dark", "400, light", "400, dark"})
    void fitsWideAndNarrowWindows(int width, String theme) throws IOException {
        String suffix = "-" + width + "-" + theme;
        browser.resize(width, 800);
        browser.prefer(theme);
        page.conflict("Paula");
        assertFits(width);
        browser.screenshot("relay-conflict" + suffix);
        browser.click("dialog footer button");
        page.awaitSaved();
        assertFits(width);
        browser.screenshot("relay-list" + suffix);
        browser.click("header button");
        browser.find(".sign-in");
        assertFits(width);
        browser.screenshot("relay-signed-out" + suffix);
    }

    private static void assertFits(int width) {
        assertThat(browser.script("return document.documentElement.scrollWidth"))
                .asInstanceOf(LONG)
                .isLessThanOrEqualTo(width);
    }
}
