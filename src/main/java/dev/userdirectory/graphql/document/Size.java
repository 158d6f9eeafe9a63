package dev.userdirectory.graphql.document;

/** The size of a set of selections. A sum that overflows stays at the largest int. */
record Size(
        int topFields,
        int fields,
        int aliases,
        int directives,
        int depth,
        int introspectionFields,
        int introspectionDepth,
        int nestedFragments) {
    static final Size NONE = of(0);

    static Size of(int directives) {
        return new Size(0, 0, 0, directives, 0, 0, 0, 0);
    }

    Size plus(Size other) {
        return new Size(
                sum(topFields, other.topFields),
                sum(fields, other.fields),
                sum(aliases, other.aliases),
                sum(directives, other.directives),
                Math.max(depth, other.depth),
                sum(introspectionFields, other.introspectionFields),
                Math.max(introspectionDepth, other.introspectionDepth),
                Math.max(nestedFragments, other.nestedFragments));
    }

    Size within(boolean aliased, int directives) {
        return new Size(
                1,
                sum(fields, 1),
                sum(aliases, aliased ? 1 : 0),
                sum(this.directives, directives),
                depth + 1,
                introspectionFields,
                introspectionDepth,
                nestedFragments);
    }

    Size asIntrospection(boolean aliased, int directives) {
        return new Size(
                1,
                1,
                sum(aliases, aliased ? 1 : 0),
                sum(this.directives, directives),
                1,
                sum(fields, 1),
                depth + 1,
                nestedFragments);
    }

    Size inFragment() {
        return new Size(
                topFields,
                fields,
                aliases,
                directives,
                depth,
                introspectionFields,
                introspectionDepth,
                nestedFragments + 1);
    }

    private static int sum(int one, int other) {
        return (int) Math.min((long) one + other, Integer.MAX_VALUE);
    }
}
