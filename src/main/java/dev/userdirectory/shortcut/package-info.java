/** Code that bypasses Spring or graphql-java for speed, and changes nothing else. Each shortcut can be switched off. */
@NullMarked
package dev.userdirectory.shortcut;

import org.jspecify.annotations.NullMarked;
