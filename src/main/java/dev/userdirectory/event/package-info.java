/** The change feed of users: what happened, in an order that nothing is ever added to but at its end. */
@NullMarked
package dev.userdirectory.event;

import org.jspecify.annotations.NullMarked;
