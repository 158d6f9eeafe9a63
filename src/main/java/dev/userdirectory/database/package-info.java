/** Connections to PostgreSQL: the order in which requests get one, when their work is stopped, and where reads go. */
@NullMarked
package dev.userdirectory.database;

import org.jspecify.annotations.NullMarked;
