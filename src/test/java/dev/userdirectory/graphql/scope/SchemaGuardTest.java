package dev.userdirectory.graphql.scope;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import graphql.GraphQL;
import graphql.GraphQLError;
import graphql.execution.DataFetcherExceptionHandlerResult;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLSchema;
import graphql.schema.SchemaTraverser;
import graphql.schema.idl.MapEnumValuesProvider;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Guards that our schema does not use yet: on the types of an interface, on fields, and on root types. */
class SchemaGuardTest {
    private static final String SDL = """
            directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
            directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
            type Query {
              open: String
              me: String @authenticated
              both: String @requiresScopes(scopes: [["a", "b"], ["c"]])
              never: String @requiresScopes(scopes: [])
              plain: Plain
              thing: Thing
              things: [Thing]
              any: Any
              account: Account
              secret: Secret
              planet: Planet
              person: Person
              myself: Person @requiresScopes(scopes: [["see"], ["see:self"]])
              someone: Someone
            }
            type Mutation @requiresScopes(scopes: [["write"]]) {
              go: String
            }
            type Plain {
              text: String
              hidden: String @requiresScopes(scopes: [["see"]])
            }
            interface Thing {
              id: ID
              name: String @requiresScopes(scopes: [["name"]])
            }
            type Account implements Thing @requiresScopes(scopes: [["account"]]) {
              id: ID
              name: String
            }
            type Vault implements Thing @requiresScopes(scopes: [["vault"]]) {
              id: ID
              name: String
            }
            type Person @requiresScopes(scopes: [["see"], ["see:self"]]) {
              name: String
            }
            type Patient @requiresScopes(scopes: [["see"], ["see:self"]]) {
              name: String
            }
            union Any = Plain | Vault
            union Someone = Patient | Vault
            scalar Secret @authenticated
            enum Planet @requiresScopes(scopes: [["space"]]) { MARS }
            """;

    private static final Map<String, Object> ACCOUNT = Map.of("type", "Account", "id", "1", "name", "a");
    private static final Map<String, Object> VAULT = Map.of("type", "Vault", "id", "2", "name", "v");

    private static final Map<String, Object> PERSON = Map.of("name", "p");

    private static final Caller ANYBODY = new Caller(true, "", Set.of());

    @Test
    void opensUnguardedFieldsToEveryCaller() {
        assertThat(ask(ANYBODY, "{ open plain { text } }").getErrors()).isEmpty();
    }

    @Test
    void requiresTokenForAuthenticatedField() {
        assertRefused(ask(ANYBODY, "{ me }"), "UNAUTHENTICATED /me");
        assertThat(ask(caller(), "{ me }").getErrors()).isEmpty();
    }

    @Test
    void requiresEveryScopeOfOneSet() {
        assertRefused(ask(ANYBODY, "{ both }"), "UNAUTHENTICATED /both");
        assertRefused(ask(caller("a"), "{ both }"), "FORBIDDEN /both");
        assertThat(ask(caller("a"), "{ both }").getErrors().getFirst().getMessage())
                .isEqualTo("Needs the scope `a` and `b`, or `c`");
        assertThat(ask(caller("a", "b"), "{ both }").getErrors()).isEmpty();
        assertThat(ask(caller("c"), "{ both }").getErrors()).isEmpty();
    }

    @Test
    void deniesFieldWithoutScopeSetsToEveryCaller() {
        assertRefused(ask(caller("a", "b", "c"), "{ never }"), "FORBIDDEN /never");
    }

    @Test
    void guardsFieldOfAnObject() {
        assertRefused(ask(caller(), "{ plain { text hidden } }"), "FORBIDDEN /plain/hidden");
        assertThat(ask(caller("see"), "{ plain { hidden } }").getErrors()).isEmpty();
    }

    @Test
    void guardsTypeWhereItIsReturned() {
        assertRefused(ask(ANYBODY, "{ account { __typename } }"), "UNAUTHENTICATED /account");
        assertRefused(ask(caller("vault"), "{ account { __typename } }"), "FORBIDDEN /account");
        assertRefused(ask(ANYBODY, "{ secret planet }"), "UNAUTHENTICATED /secret", "UNAUTHENTICATED /planet");
        assertRefused(ask(caller(), "{ secret planet }"), "FORBIDDEN /planet");
    }

    @Test
    void requiresScopesOfAtLeastOneTypeForInterface() {
        assertRefused(ask(ANYBODY, "{ thing { __typename } }"), "UNAUTHENTICATED /thing");
        assertRefused(ask(caller("other"), "{ things { __typename } }"), "FORBIDDEN /things");
    }

    @Test
    void checksEachObjectOfInterfaceAgainstItsOwnType() {
        assertRefused(ask(caller("account"), "{ things { id } }"), "FORBIDDEN /things[1]/id");
        assertRefused(ask(caller("vault"), "{ things { id } }"), "FORBIDDEN /things[0]/id");
        assertThat(ask(caller("account", "vault"), "{ things { id } }").getErrors())
                .isEmpty();
    }

    @Test
    void guardsMemberOfPartlyOpenUnion() {
        assertRefused(ask(ANYBODY, "{ any { ... on Vault { id } } }"), "UNAUTHENTICATED /any/id");
    }

    @Test
    void guardsFieldsThatAnInterfaceGuards() {
        assertRefused(ask(caller("account"), "{ account { id name } }"), "FORBIDDEN /account/name");
        assertThat(ask(caller("account", "name"), "{ account { id name } }").getErrors())
                .isEmpty();
    }

    @Test
    void acceptsScopeForOneselfOnlyWhereTheFieldDoes() {
        assertThat(ask(caller("see:self"), "{ myself { name } }").getErrors()).isEmpty();
        assertRefused(ask(caller("see:self"), "{ person { __typename } }"), "FORBIDDEN /person");
        assertThat(ask(caller("see"), "{ person { name } myself { name } }").getErrors())
                .isEmpty();
    }

    @Test
    void acceptsNoScopeForOneselfInUnion() {
        assertRefused(ask(caller("see:self"), "{ someone { __typename } }"), "FORBIDDEN /someone");
        assertRefused(
                ask(caller("vault", "see:self"), "{ someone { ... on Patient { name } } }"), "FORBIDDEN /someone/name");
    }

    @Test
    void guardsEveryFieldOfGuardedRoot() {
        assertRefused(ask(caller(), "mutation { go }"), "FORBIDDEN /go");
        assertThat(ask(caller("write"), "mutation { go }").getErrors()).isEmpty();
    }

    private static Caller caller(String... scopes) {
        return new Caller(false, "somebody", Set.of(scopes));
    }

    private static void assertRefused(ExecutionResult result, String... codesAndPaths) {
        assertThat(result.getErrors())
                .extracting(error -> error.getExtensions().get("code") + " " + path(error))
                .containsExactly(codesAndPaths);
    }

    private static String path(GraphQLError error) {
        return graphql.execution.ResultPath.fromList(error.getPath()).toString();
    }

    private static ExecutionResult ask(Caller caller, String document) {
        Operation operation = new Operation();
        operation.caller = caller;
        RuntimeWiring wiring = RuntimeWiring.newRuntimeWiring()
                .type(
                        "Query",
                        query -> query.dataFetcher("thing", env -> ACCOUNT)
                                .dataFetcher("things", env -> List.of(ACCOUNT, VAULT))
                                .dataFetcher("any", env -> VAULT)
                                .dataFetcher("account", env -> ACCOUNT)
                                .dataFetcher("person", env -> PERSON)
                                .dataFetcher("myself", env -> PERSON)
                                .dataFetcher("someone", env -> PERSON)
                                .dataFetcher("plain", env -> Map.of("text", "t", "hidden", "h")))
                .type(
                        "Thing",
                        thing -> thing.typeResolver(env ->
                                env.getSchema().getObjectType((String) ((Map<?, ?>) env.getObject()).get("type"))))
                .type("Someone", any -> any.typeResolver(env -> env.getSchema().getObjectType("Patient")))
                .type("Any", any -> any.typeResolver(env -> env.getSchema().getObjectType("Vault")))
                .type("Planet", planet -> planet.enumValues(new MapEnumValuesProvider(Map.of("MARS", "MARS"))))
                .scalar(graphql.Scalars.GraphQLString.transform(scalar -> scalar.name("Secret")))
                .build();
        GraphQLSchema schema = new SchemaGenerator().makeExecutableSchema(new SchemaParser().parse(SDL), wiring);
        GraphQLCodeRegistry.Builder fetchers = GraphQLCodeRegistry.newCodeRegistry(schema.getCodeRegistry());
        new SchemaTraverser()
                .depthFirstFullSchema(
                        List.of(new SchemaGuard(
                                new SecurityProperties(null, Access.TOKEN, Access.TOKEN, "actuator", true, null))),
                        schema,
                        Map.of(GraphQLCodeRegistry.Builder.class, fetchers));
        return GraphQL.newGraphQL(schema.transformWithoutTypes(builder -> builder.codeRegistry(fetchers.build())))
                .defaultDataFetcherExceptionHandler(parameters -> CompletableFuture.completedFuture(
                        DataFetcherExceptionHandlerResult.newResult(((Refused) parameters.getException()).error())
                                .build()))
                .build()
                .execute(ExecutionInput.newExecutionInput(document).graphQLContext(Map.of(Operation.class, operation)));
    }
}
