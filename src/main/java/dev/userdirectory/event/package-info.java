/** The change feed of users, groups and memberships: events in a fixed order, to which new events are only appended. */
@NullMarked
package dev.userdirectory.event;

import org.jspecify.annotations.NullMarked;
