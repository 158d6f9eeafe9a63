package dev.userdirectory.graphql.scope;

import com.netflix.graphql.types.errors.ErrorType;
import dev.userdirectory.error.ErrorCode;
import dev.userdirectory.graphql.scope.SecurityProperties.Access;
import graphql.schema.DataFetcher;
import graphql.schema.DataFetcherFactories;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLDirectiveContainer;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInterfaceType;
import graphql.schema.GraphQLNamedOutputType;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLSchema;
import graphql.schema.GraphQLSchemaElement;
import graphql.schema.GraphQLType;
import graphql.schema.GraphQLTypeUtil;
import graphql.schema.GraphQLTypeVisitorStub;
import graphql.schema.GraphQLUnionType;
import graphql.schema.LightDataFetcher;
import graphql.util.TraversalControl;
import graphql.util.TraverserContext;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Guards, when the schema is built, the data fetcher of every field to which {@code @authenticated} or
 * {@code @requiresScopes} applies. A denied field fetches nothing, and a denied mutation changes nothing.
 *
 * <p>A field has the requirements of its own directives, of its declaration in an interface, and of the type that it
 * returns. If it returns an interface or a union, meeting the requirement of one of the possible types is enough, and
 * types that require more are guarded again at their own fields. So no path to an object bypasses the directives of its
 * type.
 *
 * <p>A scope like {@code users:self}, which gives access only to the caller's own user, is not enough unless the field
 * itself accepts it, too. A type cannot promise that a field finds no other user: {@code _entities} finds all of them.
 * The data fetcher of a field that accepts such a scope must find only the caller's own user, since an object of an
 * interface is not guarded again.
 */
public class SchemaGuard extends GraphQLTypeVisitorStub {
    private final Access introspection;
    private final Access serviceSdl;

    public SchemaGuard(SecurityProperties properties) {
        this.introspection = properties.introspection();
        this.serviceSdl = properties.serviceSdl();
    }

    @Override
    public TraversalControl visitGraphQLObjectType(
            GraphQLObjectType type, TraverserContext<GraphQLSchemaElement> context) {
        GraphQLSchema schema = context.getVarFromParents(GraphQLSchema.class);
        GraphQLCodeRegistry.Builder fetchers = context.getVarFromParents(GraphQLCodeRegistry.Builder.class);
        for (GraphQLFieldDefinition field : type.getFieldDefinitions()) {
            Set<Requirement> requirements = requirements(schema, type, field);
            if (!requirements.isEmpty()) {
                guard(fetchers, FieldCoordinates.coordinates(type, field), field, requirements);
            }
        }
        if (type.equals(schema.getQueryType())) {
            List.of(schema.getIntrospectionSchemaFieldDefinition(), schema.getIntrospectionTypeFieldDefinition())
                    .forEach(field -> restrict(
                            fetchers, FieldCoordinates.systemCoordinates(field.getName()), field, introspection));
            GraphQLFieldDefinition service = type.getFieldDefinition("_service");
            if (service != null) {
                restrict(fetchers, FieldCoordinates.coordinates(type, service), service, serviceSdl);
            }
        }
        return TraversalControl.CONTINUE;
    }

    private static Set<Requirement> requirements(
            GraphQLSchema schema, GraphQLObjectType parent, GraphQLFieldDefinition field) {
        Set<Requirement> requirements = new LinkedHashSet<>();
        Optional<Requirement> ofField = Requirement.of(field);
        ofField.ifPresent(requirements::add);
        for (GraphQLNamedOutputType implemented : parent.getInterfaces()) {
            GraphQLFieldDefinition declared = ((GraphQLInterfaceType) implemented).getFieldDefinition(field.getName());
            if (declared != null) {
                Requirement.of(declared).ifPresent(requirements::add);
            }
        }
        GraphQLType returned = GraphQLTypeUtil.unwrapAll(field.getType());
        boolean acceptsSelf = ofField.filter(Requirement::acceptsSelf).isPresent();
        Stream.of(ofType(returned), ofAny(possibleTypes(schema, returned)))
                .flatMap(Optional::stream)
                .map(ofReturned -> acceptsSelf ? ofReturned : ofReturned.withoutSelf())
                .forEach(requirements::add);
        Requirement.of(parent)
                .map(Requirement::withoutSelf)
                .filter(own -> !isRequiredByReferringFields(schema, parent, own))
                .ifPresent(requirements::add);
        return requirements;
    }

    /**
     * Whether every field that leads to an object of this type already requires as much as the type does. False for
     * root types, to which no field leads.
     */
    private static boolean isRequiredByReferringFields(GraphQLSchema schema, GraphQLObjectType type, Requirement own) {
        boolean root = type.equals(schema.getQueryType())
                || type.equals(schema.getMutationType())
                || type.equals(schema.getSubscriptionType());
        return !root
                && schema.getAllTypesAsList().stream()
                        .map(abstractType -> possibleTypes(schema, abstractType))
                        .filter(types -> types.contains(type))
                        .allMatch(types ->
                                ofAny(types).map(Requirement::withoutSelf).equals(Optional.of(own)));
    }

    private static Optional<Requirement> ofType(GraphQLType type) {
        return type instanceof GraphQLDirectiveContainer container ? Requirement.of(container) : Optional.empty();
    }

    private static List<GraphQLObjectType> possibleTypes(GraphQLSchema schema, GraphQLType type) {
        return switch (type) {
            case GraphQLInterfaceType interfaceType -> schema.getImplementations(interfaceType);
            case GraphQLUnionType union ->
                union.getTypes().stream().map(GraphQLObjectType.class::cast).toList();
            default -> List.of();
        };
    }

    private static Optional<Requirement> ofAny(List<GraphQLObjectType> types) {
        List<Requirement> requirements =
                types.stream().map(Requirement::of).flatMap(Optional::stream).toList();
        return types.isEmpty() || requirements.size() < types.size()
                ? Optional.empty()
                : Optional.of(new Requirement(requirements.stream()
                        .flatMap(requirement -> requirement.anyOf().stream())
                        .distinct()
                        .toList()));
    }

    private static void restrict(
            GraphQLCodeRegistry.Builder fetchers,
            FieldCoordinates coordinates,
            GraphQLFieldDefinition field,
            Access access) {
        switch (access) {
            case OPEN -> {}
            case TOKEN -> guard(fetchers, coordinates, field, Set.of(Requirement.AUTHENTICATED));
            case OFF ->
                fetchers.dataFetcher(coordinates, DataFetcherFactories.useDataFetcher(env -> {
                    throw Requirement.refused(
                            env,
                            ErrorType.PERMISSION_DENIED,
                            "`" + field.getName() + "` is switched off",
                            ErrorCode.SWITCHED_OFF.extensions());
                }));
        }
    }

    private static void guard(
            GraphQLCodeRegistry.Builder fetchers,
            FieldCoordinates coordinates,
            GraphQLFieldDefinition field,
            Set<Requirement> requirements) {
        DataFetcher<?> guarded = fetchers.getDataFetcher(coordinates, field);
        DataFetcher<?> guard = guarded instanceof LightDataFetcher<?> property
                ? new GuardedProperty(requirements, property)
                : env -> {
                    requirements.forEach(requirement -> requirement.check(env));
                    return guarded.get(env);
                };
        fetchers.dataFetcher(coordinates, DataFetcherFactories.useDataFetcher(guard));
    }
}
