package dev.userdirectory.contract;

import graphql.language.AstPrinter;
import graphql.language.Definition;
import graphql.language.DirectiveDefinition;
import graphql.language.DirectivesContainer;
import graphql.language.EnumTypeDefinition;
import graphql.language.FieldDefinition;
import graphql.language.ImplementingTypeDefinition;
import graphql.language.InputObjectTypeDefinition;
import graphql.language.InputValueDefinition;
import graphql.language.InterfaceTypeDefinition;
import graphql.language.ListType;
import graphql.language.NonNullType;
import graphql.language.ObjectTypeDefinition;
import graphql.language.SDLNamedDefinition;
import graphql.language.ScalarTypeDefinition;
import graphql.language.Type;
import graphql.language.TypeName;
import graphql.language.UnionTypeDefinition;
import graphql.language.Value;
import graphql.parser.Parser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The changes of a schema that break clients or gateways written for an earlier version, one per line. graphql-java's
 * {@code SchemaDiff} names no removed argument, no field that lost a directive, and no removed key.
 */
class SchemaChanges {
    /** Directives that restrict what a caller may see. Other directives may be added. */
    private static final Set<String> NARROWING =
            Set.of("authenticated", "requiresScopes", "policy", "inaccessible", "external");

    /** The elements of a schema by schema coordinate, such as {@code User.name} or {@code Query.users(first:)}. */
    private final Map<String, Element> elements = new TreeMap<>();

    /**
     * @param kind the kind of a type; empty for other elements, whose coordinates show their kind
     * @param type the type of a field or an argument
     * @param required whether a request without it is invalid
     */
    private record Element(
            String kind,
            @Nullable Type<?> type,
            boolean input,
            boolean required,
            String defaultValue,
            Set<String> directives) {}

    private SchemaChanges(String sdl) {
        new Parser().parseDocument(sdl).getDefinitions().forEach(this::add);
    }

    /** Returns a line for each change, beginning with its schema coordinate and sorted by it. */
    static List<String> breaking(String before, String after) {
        Map<String, Element> released = new SchemaChanges(before).elements;
        Map<String, Element> current = new SchemaChanges(after).elements;
        List<String> changes = new ArrayList<>();
        released.forEach((name, was) -> {
            Element is = current.get(name);
            if (is == null) {
                changes.add(name + " is gone");
            } else {
                changes.addAll(breaking(name, was, is));
            }
        });
        current.forEach((name, is) -> {
            if (is.required && !released.containsKey(name) && isPartOf(name, released)) {
                changes.add(name + " is new and required");
            }
        });
        return changes.stream().sorted().toList();
    }

    private static List<String> breaking(String name, Element was, Element is) {
        List<String> changes = new ArrayList<>();
        if (!was.kind.equals(is.kind)) {
            changes.add("%s is %s, was %s".formatted(name, is.kind, was.kind));
        }
        if (was.type != null && is.type != null) {
            boolean fits = was.input ? accepts(is.type, was.type) : accepts(was.type, is.type);
            if (!fits) {
                changes.add("%s is %s, was %s".formatted(name, print(is.type), print(was.type)));
            }
        }
        // Clients that had to give a value still give it.
        if (!was.required && !was.defaultValue.equals(is.defaultValue)) {
            changes.add("%s defaults to %s, did to %s".formatted(name, is.defaultValue, was.defaultValue));
        }
        was.directives.stream()
                .filter(directive -> is.directives.stream().noneMatch(other -> isAtLeast(directive, other)))
                .forEach(directive -> changes.add(name + " no longer has " + directive));
        is.directives.stream()
                .filter(directive -> was.directives.stream().noneMatch(other -> isAtLeast(other, directive)))
                .filter(directive -> NARROWING.contains(directive.substring(1).split("\\W", 2)[0]))
                .forEach(directive -> changes.add(name + " now has " + directive));
        return changes;
    }

    /** Whether the directive is still the same, or accepts further sets of scopes. */
    private static boolean isAtLeast(String was, String is) {
        return is.equals(was) || (was.startsWith("@requiresScopes") && is.startsWith(was.replace("]])", "],[")));
    }

    /** Whether the element to which the argument or field was added already existed. */
    private static boolean isPartOf(String name, Map<String, Element> released) {
        int end = Math.max(name.lastIndexOf('('), name.contains("(") ? -1 : name.lastIndexOf('.'));
        return end > 0 && released.containsKey(name.substring(0, end));
    }

    /** Whether every value of the actual type is also a value of the expected one. */
    private static boolean accepts(Type<?> expected, Type<?> actual) {
        if (expected instanceof NonNullType one) {
            return actual instanceof NonNullType other && accepts(one.getType(), other.getType());
        }
        if (actual instanceof NonNullType other) {
            return accepts(expected, other.getType());
        }
        if (expected instanceof ListType one) {
            return actual instanceof ListType other && accepts(one.getType(), other.getType());
        }
        return actual instanceof TypeName && expected.isEqualTo(actual);
    }

    private void add(Definition<?> definition) {
        String name = switch (definition) {
            case DirectiveDefinition directive -> "@" + directive.getName();
            case SDLNamedDefinition<?> named -> named.getName();
            default -> "schema";
        };
        Element earlier = elements.get(name);
        Set<String> directives = earlier == null ? new TreeSet<>() : new TreeSet<>(earlier.directives);
        if (definition instanceof DirectivesContainer<?> container) {
            directives.addAll(directives(container));
        }
        elements.put(name, new Element(kind(definition), null, false, false, "", directives));
        switch (definition) {
            case ImplementingTypeDefinition<?> type -> {
                type.getImplements().forEach(each -> addName(name + " implements " + print(each)));
                type.getFieldDefinitions().forEach(field -> addField(name, field));
            }
            case InputObjectTypeDefinition input ->
                input.getInputValueDefinitions().forEach(field -> addInput(name + "." + field.getName(), field));
            case EnumTypeDefinition values ->
                values.getEnumValueDefinitions()
                        .forEach(value -> elements.put(
                                name + "." + value.getName(),
                                new Element("", null, false, false, "", directives(value))));
            case UnionTypeDefinition union ->
                union.getMemberTypes().forEach(member -> addName(name + " = " + print(member)));
            case DirectiveDefinition directive -> {
                directive.getDirectiveLocations().forEach(location -> addName(name + " on " + location.getName()));
                directive
                        .getInputValueDefinitions()
                        .forEach(argument -> addInput(name + "(" + argument.getName() + ":)", argument));
            }
            default -> {}
        }
    }

    private static String kind(Definition<?> definition) {
        return switch (definition) {
            case ObjectTypeDefinition object -> "type";
            case InterfaceTypeDefinition type -> "interface";
            case UnionTypeDefinition union -> "union";
            case EnumTypeDefinition values -> "enum";
            case InputObjectTypeDefinition input -> "input";
            case ScalarTypeDefinition scalar -> "scalar";
            default -> "";
        };
    }

    private void addName(String name) {
        elements.put(name, new Element("", null, false, false, "", Set.of()));
    }

    private void addField(String typeName, FieldDefinition field) {
        String name = typeName + "." + field.getName();
        elements.put(name, new Element("", field.getType(), false, false, "nothing", directives(field)));
        field.getInputValueDefinitions()
                .forEach(argument -> addInput(name + "(" + argument.getName() + ":)", argument));
    }

    private void addInput(String name, InputValueDefinition input) {
        Value<?> defaultValue = input.getDefaultValue();
        elements.put(
                name,
                new Element(
                        "",
                        input.getType(),
                        true,
                        input.getType() instanceof NonNullType && defaultValue == null,
                        defaultValue == null ? "nothing" : AstPrinter.printAstCompact(defaultValue),
                        directives(input)));
    }

    private static Set<String> directives(DirectivesContainer<?> element) {
        return element.getDirectives().stream()
                .map(AstPrinter::printAstCompact)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String print(Type<?> type) {
        return AstPrinter.printAst(type);
    }
}
