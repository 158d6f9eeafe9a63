/** Pages of lists: the page that a client requests, the statement that reads it, and the connection with its rows. */
@NullMarked
package dev.userdirectory.page;

import org.jspecify.annotations.NullMarked;
