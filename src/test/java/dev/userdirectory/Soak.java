package dev.userdirectory;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * A test that only runs with {@code -Psoak}, as CI does, because it takes more than a few seconds: it waits for real
 * faults, starts servers or other programs, or needs much data. A promise also has a quick test without this annotation.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("soak")
public @interface Soak {
    /** The reason why the test is slow. */
    String value();
}
