@NullMarked
package dev.userdirectory.cache;

import org.jspecify.annotations.NullMarked;
