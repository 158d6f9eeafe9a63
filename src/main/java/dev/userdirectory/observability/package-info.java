/** What can be seen of the service from outside: traces, metrics and the log. */
@NullMarked
package dev.userdirectory.observability;

import org.jspecify.annotations.NullMarked;
