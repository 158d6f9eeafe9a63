package dev.userdirectory.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.DirectoryTest;
import dev.userdirectory.shortcut.ObservationShortcut;
import dev.userdirectory.shortcut.PostShortcut;
import dev.userdirectory.shortcut.PropertyShortcut;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.ApplicationContext;

/**
 * The other tests run with all shortcuts. With {@code -Psoak}, the contract tests run once more with all shortcuts
 * switched off; this test checks that they are.
 */
@DirectoryTest
class ShortcutsTest {
    @Autowired
    ApplicationContext context;

    @ParameterizedTest
    @CsvSource({"post", "property", "observation"})
    void takesShortcutUnlessItIsSwitchedOff(String name) {
        Class<?> shortcut = switch (name) {
            case "post" -> PostShortcut.class;
            case "property" -> PropertyShortcut.class;
            default -> ObservationShortcut.class;
        };
        boolean on = context.getEnvironment().getProperty("directory.shortcuts." + name, Boolean.class, true);

        assertThat(context.getBeanNamesForType(shortcut)).hasSize(on ? 1 : 0);
    }
}
