package dev.userdirectory.graphql.document;

import dev.userdirectory.graphql.limit.LimitExceeded;
import dev.userdirectory.graphql.limit.Limits;
import graphql.language.Definition;
import graphql.language.Document;
import graphql.language.Field;
import graphql.language.FragmentDefinition;
import graphql.language.FragmentSpread;
import graphql.language.InlineFragment;
import graphql.language.OperationDefinition;
import graphql.language.Selection;
import graphql.language.SelectionSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Measures a document as if each fragment were written out at every spread, but visits each fragment only once. It
 * needs no schema, so it can run before validation, which a hostile document could keep busy.
 */
public class DocumentSize {
    /** Each level takes a few stack frames, here and in validation. Applications nest about ten levels. */
    private static final int MAX_NESTED_FRAGMENTS = 100;

    /** Validation follows the spreads of each fragment anew. */
    private static final int MAX_DEFINITIONS = 200;

    /**
     * How many operations of the largest size may be in a document. Validation visits every operation with all its
     * fragments, though only one is executed. Applications send one, or a file of mostly small ones.
     */
    private static final int LARGEST_OPERATIONS = 20;

    private final Limits limits;
    private final Map<String, FragmentDefinition> fragments = new HashMap<>();
    private final Map<String, Size> measured = new HashMap<>();
    private int nestedFragments;

    private DocumentSize(Limits limits) {
        this.limits = limits;
    }

    /** @throws graphql.execution.AbortExecutionException with the first limit that is exceeded */
    public static void check(Document document, Limits limits) {
        DocumentSize size = new DocumentSize(limits);
        for (FragmentDefinition fragment : document.getDefinitionsOfType(FragmentDefinition.class)) {
            size.fragments.put(fragment.getName(), fragment);
        }
        long selections = 0;
        // Fragments that are never spread are validated, too.
        for (Definition<?> definition : document.getDefinitions()) {
            if (definition instanceof OperationDefinition operation) {
                selections += size.check(operation);
                LimitExceeded.ALL_FIELDS.check(selections, (long) LARGEST_OPERATIONS * limits.fields());
            } else if (definition instanceof FragmentDefinition fragment) {
                size.check(size.measure(fragment.getName()));
            }
        }
        LimitExceeded.DEFINITIONS.check(document.getDefinitions().size(), MAX_DEFINITIONS);
    }

    /** @return how many fields validation visits, including those of introspection, which has a limit of its own */
    private long check(OperationDefinition operation) {
        Size own = Size.of(operation.getDirectives().size());
        Size size = own.plus(measure(operation.getSelectionSet()));
        LimitExceeded.ROOT_FIELDS.check(size.topFields(), limits.rootFields());
        check(size);
        return (long) size.fields() + size.introspectionFields();
    }

    private void check(Size size) {
        LimitExceeded.FIELDS.check(size.fields(), limits.fields());
        LimitExceeded.DEPTH.check(size.depth(), limits.depth());
        LimitExceeded.ALIASES.check(size.aliases(), limits.aliases());
        LimitExceeded.DIRECTIVES.check(size.directives(), limits.directives());
        LimitExceeded.INTROSPECTION_FIELDS.check(size.introspectionFields(), limits.introspectionFields());
        LimitExceeded.INTROSPECTION_DEPTH.check(size.introspectionDepth(), limits.introspectionDepth());
    }

    private Size measure(@Nullable SelectionSet selectionSet) {
        Size size = Size.NONE;
        List<Selection> selections = selectionSet == null ? List.of() : selectionSet.getSelections();
        for (Selection<?> selection : selections) {
            size = size.plus(
                    switch (selection) {
                        case Field field -> measure(field);
                        case InlineFragment fragment ->
                            Size.of(fragment.getDirectives().size()).plus(measure(fragment.getSelectionSet()));
                        case FragmentSpread spread ->
                            Size.of(spread.getDirectives().size()).plus(measure(spread.getName()));
                        default -> Size.NONE;
                    });
        }
        return size;
    }

    private Size measure(Field field) {
        Size children = measure(field.getSelectionSet());
        boolean aliased = field.getAlias() != null;
        int directives = field.getDirectives().size();
        // Introspection has limits of its own. Its root field still counts like any other field.
        return field.getName().equals("__schema") || field.getName().equals("__type")
                ? children.asIntrospection(aliased, directives)
                : children.within(aliased, directives);
    }

    /** Returns {@link Size#NONE} for unknown and cyclic fragments, which validation rejects. */
    private Size measure(String fragmentName) {
        Size known = measured.get(fragmentName);
        if (known != null) {
            return known;
        }
        FragmentDefinition fragment = fragments.get(fragmentName);
        if (fragment == null) {
            return Size.NONE;
        }
        measured.put(fragmentName, Size.NONE);
        LimitExceeded.FRAGMENTS.check(++nestedFragments, MAX_NESTED_FRAGMENTS);
        Size size = Size.of(fragment.getDirectives().size())
                .plus(measure(fragment.getSelectionSet()))
                .inFragment();
        nestedFragments--;
        // The fragments in this one may have been measured before.
        LimitExceeded.FRAGMENTS.check(size.nestedFragments(), MAX_NESTED_FRAGMENTS);
        measured.put(fragmentName, size);
        return size;
    }
}
