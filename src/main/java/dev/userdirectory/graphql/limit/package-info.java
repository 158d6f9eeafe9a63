/** Limits what one request may cost, in values, fields, objects, bytes and memory. */
@NullMarked
package dev.userdirectory.graphql.limit;

import org.jspecify.annotations.NullMarked;
