/** The codes of all errors. Depends on no other package of the service. */
@NullMarked
package dev.userdirectory.error;

import org.jspecify.annotations.NullMarked;
