/** The whole directory in one response, for clients that keep a copy of it. */
@NullMarked
package dev.userdirectory.export;

import org.jspecify.annotations.NullMarked;
