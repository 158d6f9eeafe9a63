/** Requests that are meant to harm the service, and what the service must look like after each of them. */
@NullMarked
package dev.userdirectory.hostile;

import org.jspecify.annotations.NullMarked;
