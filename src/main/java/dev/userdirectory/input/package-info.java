/** What arguments must look like, and how a client is told that one is refused. */
@NullMarked
package dev.userdirectory.input;

import org.jspecify.annotations.NullMarked;
