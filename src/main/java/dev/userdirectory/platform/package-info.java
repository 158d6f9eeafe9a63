/** The edges of the service: what clients see of errors, and what serves the pages around the API. */
@NullMarked
package dev.userdirectory.platform;

import org.jspecify.annotations.NullMarked;
