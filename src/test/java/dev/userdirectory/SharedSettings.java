package dev.userdirectory;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.test.context.TestPropertySource;

/** Settings that do not affect each other, so that the tests that need one of them share an application context. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@TestPropertySource(
        properties = {
            "directory.limits.head=2s",
            "directory.viewer.claim=upn",
            "server.forward-headers-strategy=native",
            // Some requests are large.
            "directory.limits.deadline=30s"
        })
public @interface SharedSettings {}
