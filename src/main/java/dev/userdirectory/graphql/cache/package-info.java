/** Caches responses until something that they depend on changes in the database. */
@NullMarked
package dev.userdirectory.graphql.cache;

import org.jspecify.annotations.NullMarked;
