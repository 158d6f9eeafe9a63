/** Limits the cost of one request, in values, fields, objects, bytes and memory. */
@NullMarked
package dev.userdirectory.graphql.limit;

import org.jspecify.annotations.NullMarked;
