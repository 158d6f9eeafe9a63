/** GraphQL over HTTP: filters, negotiation, limits of requests, and responses in one shape. */
@NullMarked
package dev.userdirectory.http;

import org.jspecify.annotations.NullMarked;
