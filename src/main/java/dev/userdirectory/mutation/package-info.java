/** How a mutation is run: in one transaction, and once however often it is retried with the same key. */
@NullMarked
package dev.userdirectory.mutation;

import org.jspecify.annotations.NullMarked;
