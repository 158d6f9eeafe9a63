/** One operation: its state, its deadline, its errors, and how its fields are completed. */
@NullMarked
package dev.userdirectory.graphql.operation;

import org.jspecify.annotations.NullMarked;
