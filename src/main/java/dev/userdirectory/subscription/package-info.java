/** How subscriptions reach their clients: WebSockets and event streams, and what ends them. Knows no feature. */
@NullMarked
package dev.userdirectory.subscription;

import org.jspecify.annotations.NullMarked;
