/** Relay's specifications: global IDs, cursors and connections, for any kind of object. */
@NullMarked
package dev.userdirectory.relay;

import org.jspecify.annotations.NullMarked;
