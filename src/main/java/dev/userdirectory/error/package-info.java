/** The codes of all errors, and how often they are logged. Depends on no other package of the service. */
@NullMarked
package dev.userdirectory.error;

import org.jspecify.annotations.NullMarked;
