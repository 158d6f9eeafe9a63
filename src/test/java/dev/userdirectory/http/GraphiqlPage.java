package dev.userdirectory.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Browser;
import dev.userdirectory.LocalService;
import dev.userdirectory.Ports;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.util.Map;
import no.nav.security.mock.oauth2.MockOAuth2Server;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** The actions of a user on the page of GraphiQL, which is served as by {@code spring-boot:test-run}. */
class GraphiqlPage {
    static final String QUERY = ".graphiql-query-editor";
    static final String VARIABLES = ".graphiql-editor-tool .graphiql-editor:nth-child(1)";
    static final String HEADERS = ".graphiql-editor-tool .graphiql-editor:nth-child(2)";
    static final String RESULT = ".result-window";

    private final Browser browser;
    private final ConfigurableApplicationContext service;
    final String home;
    final String tokenUri;

    GraphiqlPage(Browser browser) throws SQLException {
        int issuerPort = Ports.freePort();
        this.browser = browser;
        this.service = LocalService.start("graphiql", issuerPort);
        this.home = "http://localhost:" + service.getEnvironment().getRequiredProperty("local.server.port") + "/";
        this.tokenUri = "http://localhost:" + issuerPort + "/default/token";
    }

    void close() {
        service.close();
    }

    /** Opens the page as if for the first time. */
    void openAnew() {
        sql("delete from users where email = 'charlie@example.com'");
        browser.resize(1280, 800);
        browser.prefer("light");
        browser.open(home);
        browser.script("sessionStorage.clear()");
        awaitSubscribers(0);
        browser.requests();
        browser.open(home + "graphiql");
        browser.find(".graphiql-execute-button");
    }

    void signIn() {
        browser.click("#sign-in");
        browser.awaitText("#caller", "Signed in as");
    }

    /** A token of the identity provider, without an e-mail address. */
    String token(String subject, String scopes) {
        return service.getBean(MockOAuth2Server.class)
                .issueToken("default", subject, "user-directory", Map.of("scope", scopes))
                .serialize();
    }

    void openTab(String name) {
        browser.find(".graphiql-tab-button");
        browser.script(
                "[...document.querySelectorAll('.graphiql-tab-button')].find(it => it.textContent === arguments[0]).click()",
                name);
    }

    void run() {
        browser.click(".graphiql-execute-button");
    }

    void watchFeed() {
        browser.click("#watch");
        awaitSubscribers(1);
    }

    void awaitSubscribers(int count) {
        Browser.patiently()
                .untilAsserted(() -> assertThat(service.getBean(MeterRegistry.class)
                                .get("directory.feed.subscribers")
                                .gauge()
                                .value())
                        .isEqualTo(count));
    }

    void letCharlieJoinDesign() {
        sql("insert into group_members (group_id, user_id, joined_at) select groups.id, users.id, now()"
                + " from groups, users where groups.name = 'Design' and email = 'charlie@example.com'");
    }

    void createCharlie() {
        sql("insert into users (id, name, email, active, created_at, updated_at, version)"
                + " values (uuidv7(), 'Charlie', 'charlie@example.com', true, now(), now(), 0)");
    }

    private void sql(String statement) {
        service.getBean(JdbcTemplate.class).update(statement);
    }
}
