/** Answers that were given before, for as long as the schema and the database say that they are still true. */
@NullMarked
package dev.userdirectory.cache;

import org.jspecify.annotations.NullMarked;
