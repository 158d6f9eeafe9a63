/** Caches responses until one of their dependencies changes in the database. */
@NullMarked
package dev.userdirectory.graphql.cache;

import org.jspecify.annotations.NullMarked;
