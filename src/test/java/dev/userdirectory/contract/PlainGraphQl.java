package dev.userdirectory.contract;

import com.netflix.graphql.dgs.internal.DefaultDgsGraphQLContextBuilder;
import com.netflix.graphql.dgs.internal.DgsDataLoaderProvider;
import com.netflix.graphql.dgs.internal.DgsWebMvcRequestData;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.graphql.scope.Refused;
import dev.userdirectory.input.BadUserInput;
import graphql.ExceptionWhileDataFetching;
import graphql.ExecutionInput;
import graphql.ExecutionResult;
import graphql.GraphQL;
import graphql.GraphQLError;
import graphql.InvalidSyntaxError;
import graphql.execution.UnknownOperationException;
import graphql.introspection.GoodFaithIntrospection.BadFaithIntrospectionError;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInterfaceType;
import graphql.schema.GraphQLNamedType;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLScalarType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLUnionType;
import graphql.schema.GraphqlTypeComparatorRegistry;
import graphql.schema.idl.RuntimeWiring;
import graphql.schema.idl.ScalarInfo;
import graphql.schema.idl.SchemaGenerator;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.SchemaPrinter;
import graphql.validation.ValidationError;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.graphql.execution.GraphQlSource;
import org.springframework.http.HttpHeaders;
import org.springframework.security.oauth2.jwt.Jwt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * graphql-java with nothing added: the same types and data fetchers as the service, but its own scalars, introspection,
 * execution strategies and document handling, no instrumentation and no cache.
 */
final class PlainGraphQl {
    /** When the token of each request expires. */
    static final Instant EXPIRY = Instant.parse("2099-01-01T00:00:00Z");

    private static final JsonMapper JSON = JsonMapper.shared();

    private final GraphQL graphQl;
    private final DefaultDgsGraphQLContextBuilder contexts;
    private final DgsDataLoaderProvider dataLoaders;

    PlainGraphQl(GraphQlSource source, DefaultDgsGraphQLContextBuilder contexts, DgsDataLoaderProvider dataLoaders) {
        this.graphQl = GraphQL.newGraphQL(rebuild(source.schema())).build();
        this.contexts = contexts;
        this.dataLoaders = dataLoaders;
    }

    GraphQLSchema schema() {
        return graphQl.getGraphQLSchema();
    }

    /** Returns the schema as parsed from its printed text, with the data fetchers of the original. */
    private static GraphQLSchema rebuild(GraphQLSchema served) {
        String sdl = new SchemaPrinter(SchemaPrinter.Options.defaultOptions()
                        .includeScalarTypes(true)
                        .includeSchemaDefinition(true)
                        .includeDirectiveDefinitions(true)
                        .setComparators(GraphqlTypeComparatorRegistry.AS_IS_REGISTRY))
                .print(served);
        GraphQLCodeRegistry original = served.getCodeRegistry();
        GraphQLCodeRegistry.Builder code = GraphQLCodeRegistry.newCodeRegistry();
        RuntimeWiring.Builder wiring = RuntimeWiring.newRuntimeWiring();
        for (GraphQLNamedType type : served.getAllTypesAsList()) {
            if (type.getName().startsWith("__")) {
                continue;
            }
            switch (type) {
                case GraphQLObjectType object -> {
                    for (GraphQLFieldDefinition field : object.getFieldDefinitions()) {
                        code.dataFetcher(
                                FieldCoordinates.coordinates(object, field), original.getDataFetcher(object, field));
                    }
                }
                case GraphQLInterfaceType node ->
                    wiring.type(node.getName(), typed -> typed.typeResolver(original.getTypeResolver(node)));
                case GraphQLUnionType union ->
                    wiring.type(union.getName(), typed -> typed.typeResolver(original.getTypeResolver(union)));
                case GraphQLScalarType scalar -> {
                    if (!ScalarInfo.isGraphqlSpecifiedScalar(scalar)) {
                        wiring.scalar(scalar);
                    }
                }
                default -> {}
            }
        }
        return new SchemaGenerator()
                .makeExecutableSchema(
                        new SchemaParser().parse(sdl), wiring.codeRegistry(code).build());
    }

    /** Returns the result in the form of the service's responses. Errors have only a path and a code. */
    JsonNode execute(RandomRequest.Request request) {
        Operation operation = new Operation();
        Jwt token = Jwt.withTokenValue("token")
                .header("alg", "RS256")
                .expiresAt(EXPIRY)
                .build();
        operation.caller = new Caller(false, "somebody", Set.of(request.scopes().split(" ", -1)), "somebody", token);
        ExecutionInput input = ExecutionInput.newExecutionInput(request.document())
                .variables(request.variables())
                // For an empty name, graphql-java would execute the first of several operations.
                .operationName("".equals(request.operationName()) ? null : request.operationName())
                .graphQLContext(contexts.build(new DgsWebMvcRequestData(Map.of(), new HttpHeaders(), null)))
                .graphQLContext(Map.of(Operation.class, operation))
                .build();
        ObjectNode answer = JSON.createObjectNode();
        ExecutionResult result;
        try {
            result = graphQl.execute(input.transform(builder -> builder.dataLoaderRegistry(
                    dataLoaders.buildRegistryWithContextSupplier(input::getGraphQLContext))));
        } catch (RuntimeException | AssertionError e) {
            // graphql-java failed unexpectedly and has no result.
            answer.putArray("errors")
                    .addObject()
                    .put("message", e.toString())
                    .putObject("extensions")
                    .put("code", "INTERNAL_SERVER_ERROR");
            return answer;
        }
        if (!result.getErrors().isEmpty()) {
            for (GraphQLError error : result.getErrors()) {
                ObjectNode shown = answer.withArray("errors").addObject().put("message", error.getMessage());
                shown.putObject("extensions").put("code", code(error));
                List<?> path = error.getPath();
                if (path != null) {
                    shown.putPOJO("path", path);
                }
            }
        }
        if (result.isDataPresent()) {
            Object data = result.getData();
            answer.set("data", data instanceof Publisher ? JSON.valueToTree("a stream") : JSON.valueToTree(data));
        }
        return JSON.readTree(JSON.writeValueAsString(answer));
    }

    private static String code(GraphQLError error) {
        if (error.getExtensions() != null && error.getExtensions().get("code") instanceof String code) {
            return code; // from a data fetcher that reports its own errors
        }
        return switch (error) {
            case InvalidSyntaxError syntax -> "GRAPHQL_PARSE_FAILED";
            case ValidationError invalid -> "GRAPHQL_VALIDATION_FAILED";
            case UnknownOperationException unknown -> "OPERATION_RESOLUTION_FAILURE";
            case BadFaithIntrospectionError bad -> "INTROSPECTION_LIMIT_EXCEEDED";
            case ExceptionWhileDataFetching failed ->
                switch (unwrap(failed.getException())) {
                    case BadUserInput bad -> "BAD_USER_INPUT";
                    case Refused refused -> code(refused.error());
                    default -> "INTERNAL_SERVER_ERROR";
                };
            default ->
                error.getErrorType() == graphql.ErrorType.ValidationError ? "BAD_USER_INPUT" : "INTERNAL_SERVER_ERROR";
        };
    }

    private static Throwable unwrap(Throwable exception) {
        @Nullable Throwable cause = exception.getCause();
        return cause != null && (exception instanceof CompletionException || exception instanceof ExecutionException)
                ? unwrap(cause)
                : exception;
    }
}
