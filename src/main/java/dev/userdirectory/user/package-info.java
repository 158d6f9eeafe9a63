/** Users: what they are, how they are found, created, changed and deleted. */
@NullMarked
package dev.userdirectory.user;

import org.jspecify.annotations.NullMarked;
