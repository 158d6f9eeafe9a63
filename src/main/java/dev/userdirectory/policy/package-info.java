/** What the schema's directives promise, kept: it is read from the schema itself, so there is nothing to keep in step. */
@NullMarked
package dev.userdirectory.policy;

import org.jspecify.annotations.NullMarked;
