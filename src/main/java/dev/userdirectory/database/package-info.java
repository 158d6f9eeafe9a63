/** Connections to PostgreSQL: who waits for one and in which order, when work is stopped, and where reads and writes go. */
@NullMarked
package dev.userdirectory.database;

import org.jspecify.annotations.NullMarked;
