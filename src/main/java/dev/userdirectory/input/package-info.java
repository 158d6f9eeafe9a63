/** The rules for arguments, and how clients are told that one is invalid. */
@NullMarked
package dev.userdirectory.input;

import org.jspecify.annotations.NullMarked;
