/** The service on AWS Lambda: one request an event, nothing that streams. */
@NullMarked
package dev.userdirectory.lambda;

import org.jspecify.annotations.NullMarked;
