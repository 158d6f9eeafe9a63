package dev.userdirectory.shortcut;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The shortcuts that are taken. Switching one off changes no response, only how long it takes.
 *
 * @param post whether an operation by POST is answered before Spring MVC
 * @param property whether properties of objects in memory are completed without graphql-java
 * @param instrumentation whether instrumentations are called for single fields only if these are traced
 * @param observation whether requests that no trace records are only timed, which needs {@code post}
 */
@ConfigurationProperties("directory.shortcuts")
public record ShortcutProperties(
        @DefaultValue("true") boolean post,
        @DefaultValue("true") boolean property,
        @DefaultValue("true") boolean instrumentation,
        @DefaultValue("true") boolean observation) {}
