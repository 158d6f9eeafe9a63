/** Reads from a copy of the database, as if there were none. */
@NullMarked
package dev.userdirectory.replica;

import org.jspecify.annotations.NullMarked;
