/** Hostile requests, and checks that the service survives each of them. */
@NullMarked
package dev.userdirectory.hostile;

import org.jspecify.annotations.NullMarked;
