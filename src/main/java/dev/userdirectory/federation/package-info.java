/** Apollo Federation: what a gateway asks of a subgraph. */
@NullMarked
package dev.userdirectory.federation;

import org.jspecify.annotations.NullMarked;
