/** Callers, and the scopes that the schema requires of them. */
@NullMarked
package dev.userdirectory.graphql.scope;

import org.jspecify.annotations.NullMarked;
