/** What happens to an operation, from one end to the other. */
@NullMarked
package dev.userdirectory.graphql;

import org.jspecify.annotations.NullMarked;
