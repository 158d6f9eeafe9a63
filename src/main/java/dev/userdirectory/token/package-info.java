/** Authentication: verifies tokens with the keys of their issuers. */
@NullMarked
package dev.userdirectory.token;

import org.jspecify.annotations.NullMarked;
