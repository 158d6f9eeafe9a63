/** Relay: global IDs, cursors and pages, for any kind of object. */
@NullMarked
package dev.userdirectory.relay;

import org.jspecify.annotations.NullMarked;
