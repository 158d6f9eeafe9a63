/** Pages of lists: what a client asks for, the statement that reads it, and the connection made of its rows. */
@NullMarked
package dev.userdirectory.page;

import org.jspecify.annotations.NullMarked;
