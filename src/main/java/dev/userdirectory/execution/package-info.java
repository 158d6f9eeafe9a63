/** How an operation is executed, where graphql-java leaves that open. */
@NullMarked
package dev.userdirectory.execution;

import org.jspecify.annotations.NullMarked;
