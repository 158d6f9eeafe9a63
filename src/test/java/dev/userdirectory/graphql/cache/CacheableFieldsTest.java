package dev.userdirectory.graphql.cache;

import static dev.userdirectory.generated.types.DirectoryEventType.GROUP_CREATED;
import static dev.userdirectory.generated.types.DirectoryEventType.GROUP_DELETED;
import static dev.userdirectory.generated.types.DirectoryEventType.GROUP_UPDATED;
import static dev.userdirectory.generated.types.DirectoryEventType.MEMBER_ADDED;
import static dev.userdirectory.generated.types.DirectoryEventType.MEMBER_REMOVED;
import static dev.userdirectory.generated.types.DirectoryEventType.USER_CREATED;
import static dev.userdirectory.generated.types.DirectoryEventType.USER_DELETED;
import static dev.userdirectory.generated.types.DirectoryEventType.USER_UPDATED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.generated.types.DirectoryEventType;
import dev.userdirectory.graphql.federation.SubgraphSchema;
import dev.userdirectory.group.Group;
import dev.userdirectory.user.User;
import graphql.execution.RawVariables;
import graphql.language.ObjectTypeDefinition;
import graphql.normalized.ExecutableNormalizedOperationFactory;
import graphql.parser.Parser;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLFieldsContainer;
import graphql.schema.GraphQLInputObjectField;
import graphql.schema.GraphQLInputObjectType;
import graphql.schema.GraphQLInterfaceType;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.GraphQLUnionType;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A cached response is reused until an event concerns it. So a field must not be cacheable if it depends on data whose
 * changes append no event. This test names the tables on which each cacheable field depends.
 */
class CacheableFieldsTest {
    /**
     * The tables on which each cacheable field depends, and those on which it depends because of an argument, an input
     * field or an enum value. Arguments are in parentheses. A type that several lists share has the tables of them all.
     */
    private static final String DEPENDENCIES = """
            Query           | user(id) userByEmail(email)                              | users
            Query           | users(filter orderBy first after last before)            | users
            Query           | group(id) groupByName(name)                              | groups
            Query           | groups(search first after last before)                   | groups
            Query           | node(id) nodes(ids) _entities(representations)           | users groups
            Node            | id                                                       | users groups
            User            | id name email active createdAt updatedAt version         | users
            User            | groups(first after last before)                          | group_members groups
            Group           | id name description createdAt updatedAt version          | groups
            Group           | members(first after last before)                         | group_members
            Group           | members(filter orderBy)                                  | group_members users
            UserConnection  | edges nodes pageInfo totalCount                          | group_members users
            UserEdge        | cursor node                                              | group_members users
            GroupConnection | edges nodes pageInfo totalCount                          | group_members groups
            GroupEdge       | cursor node                                              | group_members groups
            PageInfo        | hasNextPage hasPreviousPage startCursor endCursor        | group_members groups users
            UserFilter      | search active createdAt updatedAt emails emailDomain     | users
            UserFilter      | groupId inNoGroup inAnyGroup inAllGroups inNoneOfGroups  | group_members
            DateTimeRange   | from before                                              | users
            UserOrder       | field direction                                          | users
            UserOrderField  | CREATED_AT UPDATED_AT NAME EMAIL                         | users
            OrderDirection  | ASC DESC                                                 | users
            """;

    /** The kinds of events that changes of each table append. */
    private static final Map<String, Set<DirectoryEventType>> EVENTS = Map.of(
            "users",
            Set.of(USER_CREATED, USER_UPDATED, USER_DELETED),
            "groups",
            Set.of(GROUP_CREATED, GROUP_UPDATED, GROUP_DELETED),
            "group_members",
            Set.of(MEMBER_ADDED, MEMBER_REMOVED));

    private static final Pattern MEMBER = Pattern.compile("(\\w+)(?:\\(([\\w ]+)\\))?");
    private static final Pattern WORD = Pattern.compile("\\w+");
    /** The text of the schema does not define Federation's directives. */
    private static final Pattern UNDEFINED =
            Pattern.compile("(extend schema\\s+)?@(?!cacheControl|deprecated)\\w+(\\([^)]*\\))?");

    private static final Pattern TRIGGER = Pattern.compile(
            "create trigger \\w+ after (insert|update|delete) on (\\w+)\\s[^;]*execute function (\\w+)");
    private static final Pattern TRIGGER_FUNCTION = Pattern.compile(
            "create (?:or replace )?function (\\w+)\\(\\) returns trigger[^$]*\\$\\$(.*?)\\$\\$", Pattern.DOTALL);

    /** The tables in {@link #DEPENDENCIES} by schema coordinate. */
    private static final Map<String, Set<String>> TABLES = tables();

    @Test
    void everyCacheableFieldDependsOnTablesWithEvents() {
        Set<String> cacheable = cacheable(SubgraphSchema.sdl());

        assertThat(cacheable.stream().filter(element -> !TABLES.containsKey(element)))
                .as("new and cacheable, but no kind of event covers it")
                .isEmpty();
        assertThat(TABLES.keySet().stream().filter(element -> !cacheable.contains(element)))
                .as("covered by events, but not cacheable, or no longer in the schema")
                .isEmpty();
        assertThat(TABLES.values().stream().flatMap(Set::stream)).hasSameElementsAs(EVENTS.keySet());
        assertThat(EVENTS.values().stream().flatMap(Set::stream))
                .containsExactlyInAnyOrder(DirectoryEventType.values());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            extend type User { phone(kind: String!): String }                | User.phone User.phone(kind:)
            extend type Query { phones: [String!] @cacheControl(maxAge: 1) } | Query.phones
            extend type Query { phones: [String!] }                          |
            extend type Viewer { phone: String }                             |
            extend input UserFilter { phone: String }                        | UserFilter.phone
            extend enum UserOrderField { PHONE }                             | UserOrderField.PHONE
            extend type User { tag: Tag } type Tag { id: ID }                |
            extend type User { tag: Tag } type Tag @cacheControl(maxAge: 0) { id: ID } |
            extend type User { tag: Tag } type Tag @cacheControl(inheritMaxAge: true) { id: ID } | Tag.id User.tag
            type Tag @key(fields: "id") @cacheControl(maxAge: 9) { id: ID! } | Tag.id
            """)
    void findsNewCacheableElements(String extension, @Nullable String elements) {
        Set<String> found = cacheable(SubgraphSchema.sdl() + extension);
        found.removeAll(TABLES.keySet());

        assertThat(String.join(" ", found)).isEqualTo(Objects.requireNonNullElse(elements, ""));
    }

    @Test
    void fieldsThatDependOnOneTableAreItsColumns() {
        assertThat(columns("User", "users", "u.")).containsExactlyInAnyOrder(User.COLUMNS.split(", ", -1));
        assertThat(columns("Group", "groups", "g.")).containsExactlyInAnyOrder(Group.COLUMNS.split(", ", -1));
    }

    @Test
    void everyChangeOfATableAppendsItsEvents() throws IOException {
        String migrations = migrations();
        assertThat(migrations).doesNotContain("drop trigger");
        Map<String, String> functions = TRIGGER_FUNCTION
                .matcher(migrations)
                .results()
                .collect(Collectors.toMap(
                        function -> function.group(1), function -> function.group(2), (before, after) -> after));
        EVENTS.forEach((table, events) -> {
            Set<String> changes = new TreeSet<>();
            TRIGGER.matcher(migrations)
                    .results()
                    .filter(trigger -> trigger.group(2).equals(table))
                    .filter(trigger -> appendedBy(functions.getOrDefault(trigger.group(3), ""))
                            .equals(events))
                    .forEach(trigger -> changes.add(trigger.group(1)));

            assertThat(changes).as(table).containsExactly("delete", "insert", "update");
        });
    }

    private static Map<String, Set<String>> tables() {
        Map<String, Set<String>> tables = new TreeMap<>();
        for (String line : DEPENDENCIES.lines().toList()) {
            String[] cells = line.split("\\s*\\|\\s*", -1);
            List<String> ofLine = List.of(cells[2].split(" ", -1));
            for (String coordinate : coordinates(cells[0], cells[1])) {
                tables.computeIfAbsent(coordinate, key -> new TreeSet<>()).addAll(ofLine);
            }
        }
        return tables;
    }

    /** Returns the schema coordinates of the members of a type and of their arguments. */
    private static List<String> coordinates(String type, String members) {
        List<String> coordinates = new ArrayList<>();
        for (MatchResult member : MEMBER.matcher(members).results().toList()) {
            String coordinate = type + "." + member.group(1);
            coordinates.add(coordinate);
            WORD.matcher(Objects.requireNonNullElse(member.group(2), ""))
                    .results()
                    .forEach(argument -> coordinates.add(coordinate + "(" + argument.group() + ":)"));
        }
        return coordinates;
    }

    /** The columns of the type's fields that depend on this table alone. */
    private static List<String> columns(String type, String table, String alias) {
        return TABLES.entrySet().stream()
                .filter(field -> field.getKey().startsWith(type + ".")
                        && field.getValue().equals(Set.of(table)))
                .map(field -> field.getKey().substring(type.length() + 1))
                .map(name -> alias + name.replaceAll("\\p{Lu}", "_$0").toLowerCase(Locale.ROOT))
                .toList();
    }

    /** Returns all migrations, in their order. */
    private static String migrations() throws IOException {
        List<Path> files;
        try (Stream<Path> found = Files.list(Path.of("db", "migration"))) {
            files = found.sorted(Comparator.comparingInt(CacheableFieldsTest::version))
                    .toList();
        }
        StringBuilder text = new StringBuilder();
        for (Path file : files) {
            text.append(Files.readString(file));
        }
        return text.toString();
    }

    private static int version(Path migration) {
        return Integer.parseInt(migration.toString().replaceAll(".*V(\\d+)__.*", "$1"));
    }

    private static Set<DirectoryEventType> appendedBy(String function) {
        // Events of users came first, so their types have no prefix in the table.
        return Stream.of(DirectoryEventType.values())
                .filter(type -> function.contains("'" + type.name().replace("USER_", "") + "'"))
                .collect(Collectors.toSet());
    }

    /** Returns the coordinates of all cacheable fields, their arguments, and the members of the arguments' types. */
    private static Set<String> cacheable(String sdl) {
        return new CacheableElements(schema(sdl)).found;
    }

    private static GraphQLSchema schema(String sdl) {
        String entities = Parser.parse(sdl).getDefinitionsOfType(ObjectTypeDefinition.class).stream()
                .filter(type -> type.hasDirective("key"))
                .map(ObjectTypeDefinition::getName)
                .collect(Collectors.joining(" | "));
        String defined = UNDEFINED.matcher(sdl).replaceAll("") + "union _Entity = " + entities
                + " extend type Query { _entities(representations: [String!]!): [_Entity]! }";
        return new SchemaGenerator()
                .makeExecutableSchema(new SchemaParser().parse(defined), RuntimeWiring.MOCKED_WIRING);
    }

    /** Requests each field through fields that are cacheable, and asks {@link CachePolicy} about the operation. */
    private static final class CacheableElements {
        private final GraphQLSchema schema;
        private final Set<String> found = new TreeSet<>();

        CacheableElements(GraphQLSchema schema) {
            this.schema = schema;
            addFields(schema.getQueryType(), "{ %s }");
        }

        /** @param document an operation with a placeholder for a selection from an object of the type */
        private void addFields(GraphQLFieldsContainer type, String document) {
            for (GraphQLFieldDefinition field : type.getFieldDefinitions()) {
                String coordinate = type.getName() + "." + field.getName();
                String ofField = document.formatted("... on " + type.getName() + " { " + call(field) + "%s }");
                List<GraphQLFieldsContainer> objects = objects(GraphQLTypeUtil.unwrapAll(field.getType()));
                if (!found.contains(coordinate)
                        && isCacheable(ofField.formatted(objects.isEmpty() ? "" : " { __typename }"))) {
                    found.add(coordinate);
                    field.getArguments().forEach(argument -> addArgument(coordinate, argument));
                    objects.forEach(object -> addFields(object, ofField.formatted(" { %s }")));
                }
            }
        }

        private static String call(GraphQLFieldDefinition field) {
            String arguments = field.getArguments().stream()
                    .filter(argument -> GraphQLTypeUtil.isNonNull(argument.getType()) && !argument.hasSetDefaultValue())
                    .map(argument -> argument.getName() + ": \"x\"")
                    .collect(Collectors.joining(", "));
            return field.getName() + (arguments.isEmpty() ? "" : "(" + arguments + ")");
        }

        /** Returns the type and those that its objects can have; nothing for a scalar or an enum. */
        private List<GraphQLFieldsContainer> objects(GraphQLType type) {
            return switch (type) {
                case GraphQLObjectType object -> List.of(object);
                case GraphQLInterfaceType common ->
                    Stream.<GraphQLFieldsContainer>concat(Stream.of(common), schema.getImplementations(common).stream())
                            .toList();
                case GraphQLUnionType union ->
                    union.getTypes().stream()
                            .map(GraphQLFieldsContainer.class::cast)
                            .toList();
                default -> List.of();
            };
        }

        private boolean isCacheable(String document) {
            CachePolicy policy = CachePolicy.of(
                    ExecutableNormalizedOperationFactory.createExecutableNormalizedOperationWithRawVariables(
                            schema, Parser.parse(document), null, RawVariables.emptyVariables()),
                    schema);
            return policy.maxAge() > 0;
        }

        private void addArgument(String field, GraphQLArgument argument) {
            found.add(field + "(" + argument.getName() + ":)");
            addMembers(GraphQLTypeUtil.unwrapAll(argument.getType()));
        }

        private void addMembers(GraphQLType type) {
            switch (type) {
                case GraphQLInputObjectType input -> {
                    for (GraphQLInputObjectField field : input.getFieldDefinitions()) {
                        if (found.add(input.getName() + "." + field.getName())) {
                            addMembers(GraphQLTypeUtil.unwrapAll(field.getType()));
                        }
                    }
                }
                case GraphQLEnumType values ->
                    values.getValues().forEach(value -> found.add(values.getName() + "." + value.getName()));
                default -> {}
            }
        }
    }
}
