/** Users: the entity, and the queries and mutations that find, create, update and delete users. */
@NullMarked
package dev.userdirectory.user;

import org.jspecify.annotations.NullMarked;
