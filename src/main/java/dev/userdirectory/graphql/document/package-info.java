/** Documents that clients send: looked up, limited, parsed once and cached. */
@NullMarked
package dev.userdirectory.graphql.document;

import org.jspecify.annotations.NullMarked;
