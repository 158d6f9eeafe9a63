/** The codes of all errors, and how often the log tells of them. Depends on no other package of the service. */
@NullMarked
package dev.userdirectory.error;

import org.jspecify.annotations.NullMarked;
