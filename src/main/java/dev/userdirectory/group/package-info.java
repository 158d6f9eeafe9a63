/** Groups and their members. */
@NullMarked
package dev.userdirectory.group;

import org.jspecify.annotations.NullMarked;
