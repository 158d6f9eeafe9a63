@NullMarked
package dev.userdirectory.observability;

import org.jspecify.annotations.NullMarked;
