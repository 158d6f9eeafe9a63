/** The rules for arguments, and the errors for invalid ones. */
@NullMarked
package dev.userdirectory.input;

import org.jspecify.annotations.NullMarked;
