/** GraphQL over HTTP: filters, content negotiation, limits on requests, and errors of one shape. */
@NullMarked
package dev.userdirectory.http;

import org.jspecify.annotations.NullMarked;
