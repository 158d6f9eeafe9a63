/** The service on AWS Lambda: one request per event, without streams. */
@NullMarked
package dev.userdirectory.lambda;

import org.jspecify.annotations.NullMarked;
