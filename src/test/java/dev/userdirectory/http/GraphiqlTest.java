package dev.userdirectory.http;

import static dev.userdirectory.http.GraphiqlPage.HEADERS;
import static dev.userdirectory.http.GraphiqlPage.QUERY;
import static dev.userdirectory.http.GraphiqlPage.RESULT;
import static dev.userdirectory.http.GraphiqlPage.VARIABLES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LONG;

import dev.userdirectory.Browser;
import dev.userdirectory.Soak;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.Keys;
import tools.jackson.databind.JsonNode;

/**
 * The front page and GraphiQL in a real browser, with the identity provider of {@code spring-boot:test-run}. Skipped if
 * no Chromium starts, unless {@code -Ddirectory.test.browser=required}.
 */
@Soak("starts a browser")
@EnabledIf(value = "startBrowser", disabledReason = "No Chromium starts. The log says why.")
class GraphiqlTest {
    @SuppressWarnings("NullAway.Init") // set before any test
    private static Browser browser;

    @SuppressWarnings("NullAway.Init")
    private static GraphiqlPage page;

    private final List<JsonNode> requests = new ArrayList<>();

    static boolean startBrowser() {
        Browser started = Browser.start();
        if (started != null) {
            browser = started;
        }
        return started != null;
    }

    @BeforeAll
    static void startService() throws SQLException {
        page = new GraphiqlPage(browser);
    }

    @AfterAll
    static void stop() {
        browser.quit();
        page.close();
    }

    @BeforeEach
    void openAnew() {
        page.openAnew();
    }

    @AfterEach
    void nothingIsAmiss() {
        assertThat(browser.complaints()).isEmpty();
        assertThat(requests())
                .isNotEmpty()
                .extracting(request -> request.get("url").asString())
                .allMatch(url -> url.startsWith(page.home) || url.equals(page.tokenUri) || url.startsWith("data:"));
    }

    @Test
    void frontPageLinksToTheSchemaIfEverybodyMayReadIt() {
        browser.open(page.home);

        assertThat(browser.find("a[href='schema.graphqls']").isDisplayed()).isTrue();
    }

    @Test
    void sendsNoRequestBeforeSignIn() {
        browser.awaitText("#caller", "Not signed in");
        browser.click("[aria-label='Show Documentation Explorer']");
        browser.awaitText(".graphiql-doc-explorer", "No GraphQL schema available");

        assertThat(requests())
                .extracting(request -> request.get("url").asString())
                .doesNotContain(page.home + "graphql", page.tokenUri);
    }

    @Test
    void showsTheSignedInUserUntilSignOut() {
        page.signIn();
        browser.awaitText("#caller", "Signed in as Alice (alice) with users:read users:write users:self until ");

        browser.click("#sign-out");
        browser.awaitText("#caller", "Not signed in");
        page.run();
        browser.awaitText(RESULT, "UNAUTHENTICATED");
    }

    @Test
    void showsTheSubjectOfATokenThatMaySeeNoUser() {
        browser.find("#token").sendKeys(page.token("bob", "openid"), Keys.ENTER);
        browser.awaitText("#caller", "Signed in as bob with openid until ");

        Browser.patiently()
                .untilAsserted(() -> assertThat(requests())
                        .anyMatch(
                                request -> request.at("/postData").asString("").contains("query Viewer")));
        assertThat(browser.find("#caller").getText()).startsWith("Signed in as bob with openid");
    }

    @Test
    void changesTheNameOfTheSignedInUser() {
        page.signIn();
        browser.paste(QUERY, "mutation { updateViewer(name: \"Alice\") { user { name } errors { code } } }");
        page.run();

        browser.awaitText(RESULT, "\"name\": \"Alice\"", "\"errors\": []");
    }

    @Test
    void readsTheNextPageWhenRunAgain() {
        page.signIn();
        page.run();
        browser.awaitText(RESULT, "\"totalCount\": 38", "Alice");
        Browser.patiently()
                .untilAsserted(() -> assertThat(browser.text(VARIABLES)).containsPattern("\"after\": \"[^\"]+\""));

        page.run();
        Browser.patiently()
                .untilAsserted(() -> assertThat(browser.find(RESULT).getText())
                        .contains("nodes")
                        .doesNotContain("Alice"));
    }

    @Test
    void showsWhyAMutationIsRejected() {
        page.signIn();
        page.openTab("CreateUser");
        page.run();
        browser.awaitText(RESULT, "\"name\": \"Charlie\"", "\"errors\": []");

        page.run();
        browser.awaitText(RESULT, "\"user\": null", "\"code\": \"TAKEN\"");
    }

    @Test
    void showsTheCostOfNestedGroups() {
        page.signIn();
        page.openTab("GroupsOfUsers");
        page.run();

        Browser.patiently()
                .untilAsserted(() ->
                        assertThat(browser.text(RESULT)).contains("\"members\": {", "\"cost\": {", "\"requested\": "));
    }

    @Test
    void resolvesEntities() {
        page.signIn();
        page.openTab("Entities");
        page.run();

        browser.awaitText(RESULT, "\"name\": \"Alice\"", "null");
    }

    @Test
    void showsEventsUntilStopped() {
        page.signIn();
        page.openTab("DirectoryEvents");
        page.run();
        page.awaitSubscribers(1);

        page.createCharlie();
        browser.awaitText(RESULT, "UserCreated", "\"name\": \"Charlie\"");
        page.run();
        page.awaitSubscribers(0);
    }

    @Test
    void watchesTheFeedWhileAMutationRuns() {
        page.signIn();
        page.watchFeed();
        page.openTab("CreateUser");
        page.run();

        browser.awaitText(RESULT, "\"name\": \"Charlie\"");
        browser.awaitText("#events li", "UserCreated", "Charlie <charlie@example.com>");
        page.letCharlieJoinDesign();
        browser.awaitText("#events li", "MemberAdded", "Charlie <charlie@example.com> · Design");
        browser.click("#watch");
        page.awaitSubscribers(0);
        assertThat(browser.find("#feed").isDisplayed()).isFalse();
    }

    @Test
    void showsWhyTheFeedHasEnded() {
        page.signIn();
        browser.script("const send = WebSocket.prototype.send; WebSocket.prototype.send = function (message) {"
                + " send.call(this, message.replace('directoryEvents {', 'nothing {')) }");
        browser.click("#watch");

        browser.awaitText("#feed-state", "nothing");
        // GraphiQL's fetcher also leaves a rejected promise without a handler.
        assertThat(browser.complaints()).allMatch(message -> message.endsWith("/graphiql 0:0 "));
    }

    @Test
    void followsTheFeedOnceIfReopenedAtOnce() {
        page.signIn();
        browser.script("for (let i = 0; i < 3; i++) document.getElementById('watch').click()");
        page.awaitSubscribers(1);

        page.createCharlie();

        browser.awaitText("#events li", "UserCreated");
        browser.click("#watch");
        page.awaitSubscribers(0);
    }

    @Test
    void signOutEndsSubscriptions() {
        page.signIn();
        page.openTab("DirectoryEvents");
        page.run();
        page.awaitSubscribers(1);

        browser.click("#sign-out");
        page.awaitSubscribers(0);
    }

    @Test
    void keepsQueriesButNoTokensOverAReload() {
        page.signIn();
        browser.click("[data-name=headers]");
        browser.paste(HEADERS, "{\"Authorization\": \"Bearer secret\"}");
        assertThat(browser.text(HEADERS)).contains("secret");
        // GraphiQL stores this later than the headers.
        browser.paste(QUERY, "query Mine { groups { totalCount } }");
        Browser.patiently()
                .untilAsserted(() -> assertThat(stored()).contains("query Mine").doesNotContain("eyJ", "secret"));

        browser.reload();
        assertThat(browser.text(QUERY)).isEqualTo("query Mine { groups { totalCount } }");
        browser.awaitText("#caller", "Not signed in");
        assertThat(stored()).contains("GraphQL-Cost");
    }

    @Test
    void sendsAPastedToken() {
        browser.find("#token").sendKeys("Bearer e30.e30.c2ln", Keys.ENTER);
        browser.awaitText("#caller", "Using a token without a subject");

        Browser.patiently()
                .untilAsserted(() -> assertThat(requests())
                        .filteredOn(request -> request.get("url").asString().equals(page.home + "graphql"))
                        .isNotEmpty()
                        .allMatch(request -> request.at("/headers/Authorization")
                                .asString("")
                                .equals("Bearer e30.e30.c2ln")));
        assertThat(browser.complaints()).allMatch(message -> message.contains("401"));
    }

    @Test
    void takesTokensWithoutClaims() {
        browser.find("#token").sendKeys("e30.bnVsbA.c2ln", Keys.ENTER);
        browser.awaitText("#caller", "Using a token without a subject");

        Browser.patiently()
                .untilAsserted(() ->
                        assertThat(browser.complaints()).isNotEmpty().allMatch(message -> message.contains("401")));
    }

    @Test
    void opensItsDialogsAndDocumentation() {
        page.signIn();
        browser.click("[aria-label='Open settings dialog']");
        browser.click(".graphiql-dialog-close");
        browser.click("[aria-label='Show Documentation Explorer']");
        browser.awaitText(".graphiql-doc-explorer", "Mutation");
    }

    @ParameterizedTest
    @CsvSource({"1280, light", "1280, dark", "400, light", "400, dark"})
    void fitsWideAndNarrowWindows(int width, String theme) throws IOException {
        String suffix = "-" + width + "-" + theme;
        browser.resize(width, width < 700 ? 1300 : 800);
        browser.prefer(theme);
        browser.screenshot("graphiql-signed-out" + suffix);
        page.signIn();
        page.run();
        browser.awaitText(RESULT, "Alice");
        browser.screenshot("graphiql-signed-in" + suffix);
        page.watchFeed();
        page.openTab("CreateUser");
        page.run();
        browser.awaitText("#events li", "UserCreated");
        browser.screenshot("graphiql-feed" + suffix);
        browser.click("#watch");
        page.run();
        browser.awaitText(RESULT, "TAKEN");
        browser.screenshot("graphiql-error" + suffix);
        assertThat(browser.script("return document.documentElement.scrollWidth"))
                .asInstanceOf(LONG)
                .isLessThanOrEqualTo(width);

        browser.open(page.home);
        browser.screenshot("front-page" + suffix);
        assertThat(browser.script("return document.documentElement.scrollWidth"))
                .asInstanceOf(LONG)
                .isLessThanOrEqualTo(width);
    }

    private static String stored() {
        return String.valueOf(
                browser.script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"));
    }

    /** The requests that the browser has sent in this test. */
    private List<JsonNode> requests() {
        requests.addAll(browser.requests());
        return requests;
    }
}
