/** How the service is observed: traces, metrics and the log. */
@NullMarked
package dev.userdirectory.observability;

import org.jspecify.annotations.NullMarked;
