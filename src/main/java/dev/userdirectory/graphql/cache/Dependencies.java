package dev.userdirectory.graphql.cache;

import dev.userdirectory.graphql.cache.DatabaseState.State;
import dev.userdirectory.graphql.operation.Operation;
import graphql.GraphQLContext;
import graphql.schema.DataFetchingEnvironment;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The dependencies of the response to an operation. The response stays cached until a commit changes one of them. Each
 * has a name: an object's global ID, a type for all objects of the type, or a field and the ID of its object for a list
 * of that object. The execution adds the objects that the response contains. Data fetchers add lists, and objects that
 * may not exist.
 */
public final class Dependencies {
    /** The name of the dependency that every change of a membership changes. */
    public static final String MEMBERSHIPS = "memberships";

    /** The name of the dependency that every change changes. */
    static final String EVERYTHING = "everything";

    /** Beyond this number, tracking individual names costs more than it gains. */
    private static final int MANY = 1000;

    /** The state of the database before the operation began; null if the operation may not read from the cache. */
    @Nullable
    State state;

    private final Set<String> names = new HashSet<>();
    private boolean isMany;

    /** Adds an object that is about to be completed, if responses can depend on it. */
    public static void addShown(Object value, GraphQLContext context) {
        if (value instanceof Dependency object) {
            Operation.of(context).dependencies.add(object.getId());
        }
    }

    public static Dependencies of(DataFetchingEnvironment env) {
        return Operation.of(env.getGraphQlContext()).dependencies;
    }

    /** The name of a list that belongs to an object. */
    public static String list(String field, String id) {
        return field + " " + id;
    }

    public void add(String name) {
        if (!isMany && names.add(name) && names.size() > MANY) {
            isMany = true;
            names.clear();
        }
    }

    /** Empty if nothing has been added. */
    Set<String> names() {
        return isMany ? Set.of(EVERYTHING) : Set.copyOf(names);
    }
}
