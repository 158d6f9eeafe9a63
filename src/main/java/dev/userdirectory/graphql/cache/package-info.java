/** Caches responses until something has been committed. */
@NullMarked
package dev.userdirectory.graphql.cache;

import org.jspecify.annotations.NullMarked;
