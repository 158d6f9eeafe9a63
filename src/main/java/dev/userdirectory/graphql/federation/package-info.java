/** The service as a subgraph: entities, the SDL, scalars and traces. */
@NullMarked
package dev.userdirectory.graphql.federation;

import org.jspecify.annotations.NullMarked;
