/** Groups and who is in them. */
@NullMarked
package dev.userdirectory.group;

import org.jspecify.annotations.NullMarked;
