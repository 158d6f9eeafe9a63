package dev.userdirectory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/** The actions of Alice in a build of {@code examples/relay}, while Bob uses another client. */
class RelayExample {
    private static final Path FOLDER = Path.of("examples", "relay");

    private final Browser browser;
    private final ConfigurableApplicationContext service;
    private final int servicePort;
    private final SwitchableProxy network;
    private final Process server;
    private final Client bob;
    private final String address;

    RelayExample(Browser browser) throws Exception {
        this.browser = browser;
        Npm.install(FOLDER);
        Npm.run(FOLDER, "build");
        int issuerPort = Ports.freePort();
        service = LocalService.start("relay", issuerPort);
        Client client = new Client((WebServerApplicationContext) service);
        bob = client.withToken(LocalService.token(service, "bob"));
        servicePort = client.uri("").getPort();
        network = new SwitchableProxy(servicePort);
        int port = Ports.freePort();
        address = "http://localhost:" + port + "/";
        server = Npm.start(
                FOLDER,
                Map.of(
                        "DIRECTORY_URL", "http://localhost:" + network.port() + "/graphql",
                        "TOKEN_URL", "http://localhost:" + issuerPort + "/default/token"),
                "node",
                "node_modules/vite/bin/vite.js",
                "preview",
                "--port=" + port,
                "--strictPort");
        Npm.await(server, port);
    }

    void close() {
        server.destroy();
        service.close();
    }

    /** Opens the page as if for the first time, without Bob's users. */
    void openAnew() throws IOException {
        reconnect();
        sql("delete from users where email like '%@bob.example'");
        browser.resize(1280, 800);
        browser.prefer("light");
        browser.open(address);
        browser.find("input[name=name]");
    }

    void signIn() {
        browser.click(".sign-in button");
        browser.awaitText("header", "Signed in as alice");
        browser.find(".users li");
    }

    void disconnect() throws IOException {
        network.switchTo(Ports.freePort());
        browser.awaitText(".feed", "Disconnected");
    }

    void reconnect() throws IOException {
        network.switchTo(servicePort);
    }

    long rows() {
        return (long) browser.script("return document.querySelectorAll('.users li').length");
    }

    WebElement row(String name) {
        return browser.find(".users").findElement(By.xpath("li[strong = '" + name + "']"));
    }

    void edit(String name) {
        Browser.patiently()
                .ignoreExceptions()
                .untilAsserted(() -> row(name).findElement(By.tagName("button")).click());
        browser.find("dialog[open]");
    }

    void fill(String field, String text) {
        browser.find("input[name=" + field + "]").sendKeys(Keys.chord(Keys.CONTROL, "a"), text);
    }

    void save() {
        browser.click("dialog .primary");
    }

    void awaitSaved() {
        Browser.patiently().until(() -> (boolean) browser.script("return !document.querySelector('dialog')"));
    }

    /** Alice changes the address of a new user, after Bob has changed the name and deactivated the user. */
    String conflict(String name) {
        String id = bobCreates(name);
        edit(name);
        bobUpdates(id, name + " of Bob", false);
        fill("email", "new." + name.toLowerCase(Locale.ROOT) + "@bob.example");
        save();
        browser.awaitText(".conflict", "Somebody else has changed this user", name + " of Bob");
        return id;
    }

    /** Returns the ID of a new user with that name. */
    String bobCreates(String name) {
        return bob.data(
                        "mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }",
                        Map.of("name", name, "email", name.toLowerCase(Locale.ROOT) + "@bob.example"))
                .at("/createUser/user/id")
                .asString();
    }

    void bobUpdates(String id, String name, boolean active) {
        JsonNode payload = bob.data(
                "mutation ($id: ID!, $name: String!, $active: Boolean!) {"
                        + " updateUser(id: $id, name: $name, active: $active) { errors { code } } }",
                Map.of("id", id, "name", name, "active", active));
        assertThat(payload.at("/updateUser/errors")).isEmpty();
    }

    void bobDeletes(String id) {
        bob.data("mutation ($id: ID!) { deleteUser(id: $id) { deletedUserId } }", Map.of("id", id));
    }

    /** Deletes events, as if the feed had been trimmed while no client followed it. */
    void forgetAllEventsButTheNewest() {
        sql("delete from user_events where (transaction, sequence) <"
                + " (select transaction, sequence from user_events order by transaction desc, sequence desc limit 1)");
    }

    private void sql(String statement) {
        service.getBean(JdbcTemplate.class).update(statement);
    }

    JsonNode user(String id) {
        return bob.data("query ($id: ID!) { user(id: $id) { name email active } }", Map.of("id", id))
                .get("user");
    }
}
