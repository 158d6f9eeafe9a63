/** Delivers subscriptions to clients over WebSockets and event streams. Depends on no feature. */
@NullMarked
package dev.userdirectory.subscription;

import org.jspecify.annotations.NullMarked;
