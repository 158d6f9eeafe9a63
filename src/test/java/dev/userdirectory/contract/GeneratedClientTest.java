package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.Client;
import dev.userdirectory.Directory;
import dev.userdirectory.DirectoryTest;
import dev.userdirectory.Tokens;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.graphql.client.FieldAccessException;
import tools.jackson.databind.JsonNode;

/** The Java client of docs/clients.md, whose classes the build generates from the published schema. */
@DirectoryTest
class GeneratedClientTest {
    private static final Path GENERATED = Path.of("target", "generated-client");
    private static final Pattern EXAMPLE = Pattern.compile("```java\n// NewestUsers\\.java\n(.*?)```", Pattern.DOTALL);

    @Autowired
    Client client;

    @Autowired
    Directory directory;

    @Test
    void readsUsersWithTheirInstants(@TempDir Path classes) throws Exception {
        List<String> ids = directory.createUsers(2);
        try (URLClassLoader loader = compile(classes)) {
            Class<?> type = loader.loadClass("com.example.NewestUsers");
            Object example = type.getConstructor(String.class, String.class)
                    .newInstance(client.uri("/graphql").toString(), Tokens.withScopes("users:read"));

            List<?> users = (List<?>) type.getMethod("list", int.class).invoke(example, 2);

            assertThat(users).hasSize(2);
            for (Object user : users) {
                JsonNode expected = directory.user((String) get(user, "getId"));
                assertThat(ids).contains(expected.get("id").asString());
                assertThat(get(user, "getName")).isEqualTo(expected.get("name").asString());
                assertThat(get(user, "getCreatedAt"))
                        .isEqualTo(
                                OffsetDateTime.parse(expected.get("createdAt").asString()));
                assertThat(get(user, "getVersion")).as("not selected").isNull();
            }
            assertThatThrownBy(() -> type.getMethod("list", int.class).invoke(example, 101))
                    .isInstanceOf(InvocationTargetException.class)
                    .cause()
                    .isInstanceOfSatisfying(
                            FieldAccessException.class,
                            refused -> assertThat(refused.getResponse()
                                            .getErrors()
                                            .getFirst()
                                            .getExtensions())
                                    .containsEntry("code", "BAD_USER_INPUT"));
        }
    }

    private static URLClassLoader compile(Path classes) throws Exception {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("docs", "clients.md")));
        assertThat(example.find()).isTrue();
        Path source = Files.writeString(classes.resolve("NewestUsers.java"), example.group(1));
        try (Stream<Path> generated = Files.walk(GENERATED)) {
            String[] arguments = Stream.concat(
                            Stream.of("-nowarn", "-proc:none", "-d", classes.toString(), source.toString()),
                            generated.map(Path::toString).filter(file -> file.endsWith(".java")))
                    .toArray(String[]::new);
            assertThat(ToolProvider.getSystemJavaCompiler().run(null, null, null, arguments))
                    .isZero();
        }
        return new URLClassLoader(new URL[] {classes.toUri().toURL()}, GeneratedClientTest.class.getClassLoader());
    }

    private static Object get(Object object, String getter) throws ReflectiveOperationException {
        return object.getClass().getMethod(getter).invoke(object);
    }
}
