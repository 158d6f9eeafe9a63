/** Who asks, and what the schema requires of callers. */
@NullMarked
package dev.userdirectory.graphql.scope;

import org.jspecify.annotations.NullMarked;
