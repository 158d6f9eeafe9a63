/** Documents that clients send: found, limited, parsed once and remembered. */
@NullMarked
package dev.userdirectory.graphql.document;

import org.jspecify.annotations.NullMarked;
