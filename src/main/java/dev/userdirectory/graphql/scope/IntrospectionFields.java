package dev.userdirectory.graphql.scope;

import graphql.Directives;
import graphql.introspection.Introspection;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetchingEnvironmentImpl;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLDirective;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLSchemaElement;
import graphql.schema.GraphQLTypeVisitorStub;
import graphql.util.TraversalControl;
import graphql.util.TraverserContext;
import java.util.List;
import java.util.Map;
import org.springframework.boot.graphql.autoconfigure.GraphQlSourceBuilderCustomizer;
import org.springframework.graphql.execution.GraphQlSource.SchemaResourceBuilder;
import org.springframework.stereotype.Component;

/**
 * Corrects two introspection fields of graphql-java. Its data fetchers fail if {@code includeDeprecated} is null. It
 * also adds {@code @defer} to every schema. This class hides the directive, because nothing is deferred.
 */
@Component
class IntrospectionFields extends GraphQLTypeVisitorStub implements GraphQlSourceBuilderCustomizer {
    private static final String INCLUDE_DEPRECATED = "includeDeprecated";

    @Override
    public void customize(SchemaResourceBuilder builder) {
        builder.typeVisitors(List.of(this));
    }

    @Override
    public TraversalControl visitGraphQLObjectType(
            GraphQLObjectType type, TraverserContext<GraphQLSchemaElement> context) {
        if (Introspection.isIntrospectionTypes(type)) {
            GraphQLCodeRegistry.Builder code = context.getVarFromParents(GraphQLCodeRegistry.Builder.class);
            GraphQLSchema schema = context.getVarFromParents(GraphQLSchema.class);
            for (GraphQLFieldDefinition field : type.getFieldDefinitions()) {
                FieldCoordinates coordinates = FieldCoordinates.coordinates(type, field);
                if (field.getArgument(INCLUDE_DEPRECATED) != null) {
                    code.dataFetcher(coordinates, withoutNull(code.getDataFetcher(coordinates, field)));
                }
                if (type.getName().equals("__Schema") && field.getName().equals("directives")) {
                    List<GraphQLDirective> shown = schema.getDirectives().stream()
                            .filter(directive -> !directive.getName().equals(Directives.DeferDirective.getName()))
                            .toList();
                    DataFetcher<?> directives = env -> shown;
                    code.dataFetcher(coordinates, directives);
                }
            }
        }
        return TraversalControl.CONTINUE;
    }

    private static DataFetcher<?> withoutNull(DataFetcher<?> fetcher) {
        return env -> fetcher.get(
                env.getArgument(INCLUDE_DEPRECATED) == null
                        ? DataFetchingEnvironmentImpl.newDataFetchingEnvironment(env)
                                .arguments(Map.of(INCLUDE_DEPRECATED, false))
                                .build()
                        : env);
    }
}
