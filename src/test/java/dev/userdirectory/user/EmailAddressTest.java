package dev.userdirectory.user;

import static org.assertj.core.api.Assertions.assertThat;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UProperty;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmailAddressTest {
    @Test
    void hasNoDefaultIgnorables() {
        IntStream.rangeClosed(1, UCharacter.MAX_VALUE)
                .filter(c -> UCharacter.hasBinaryProperty(c, UProperty.DEFAULT_IGNORABLE_CODE_POINT))
                .forEach(c -> {
                    String sign = Character.toString(c);
                    assertThat(EmailAddress.problem("a" + sign + "b@example.com"))
                            .isNotNull();
                    assertThat(EmailAddress.problem("\"a" + sign + "b\"@example.com"))
                            .isNotNull();
                    assertThat(EmailAddress.problem("ab@exa" + sign + "mple.com"))
                            .isNotNull();
                });
    }

    @ParameterizedTest
    @CsvSource({
        "example.com, false",
        "bücher.example, false",
        "xn--a-0ga.xn--a-0ga.example, false",
        "ﷺﷺﷺ.example, false",
        "ﷺﷺﷺﷺ.example, true",
        "ﷺﷺﷺ.ﷺﷺﷺ.ﷺﷺﷺ.ﷺﷺﷺ.ﷺﷺﷺ, true"
    })
    void domainsThatAreTooLongAsUnicodeMapsThemAreNobodys(String domain, boolean isDomainTooLong) {
        assertThat(EmailAddress.isDomainTooLong(domain)).isEqualTo(isDomainTooLong);
    }
}
