package dev.userdirectory.input;

import static org.assertj.core.api.Assertions.assertThat;

import com.ibm.icu.lang.UCharacter;
import com.ibm.icu.lang.UProperty;
import com.ibm.icu.text.IDNA;
import com.ibm.icu.text.Normalizer2;
import com.ibm.icu.util.VersionInfo;
import dev.userdirectory.DirectoryTest;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.SqlArrayValue;

/** Compares the results of the database's functions for every character with those of ICU. */
@DirectoryTest
class FoldedTextTest {
    /** The version in PostgreSQL 18 and JDK 25. */
    private static final VersionInfo UNICODE = VersionInfo.getInstance(16);

    private static final IDNA UTS_46 = IDNA.getUTS46Instance(
            IDNA.NONTRANSITIONAL_TO_ASCII | IDNA.NONTRANSITIONAL_TO_UNICODE | IDNA.USE_STD3_RULES);

    private static final Normalizer2 NFKC_CASEFOLD = Normalizer2.getNFKCCasefoldInstance();

    @Autowired
    JdbcTemplate jdbc;

    @Test
    void ignoresDefaultIgnorables() {
        IntPredicate ignorable = c -> UCharacter.hasBinaryProperty(c, UProperty.DEFAULT_IGNORABLE_CODE_POINT);
        List<Integer> all = IntStream.rangeClosed(1, UCharacter.MAX_VALUE)
                .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
                .boxed()
                .toList();

        assertThat(jdbc.queryForList(
                        "select c from unnest(?) as given (c) where without_ignorables(chr(c)) = ''",
                        Integer.class,
                        new SqlArrayValue("integer", all.toArray())))
                .containsExactlyInAnyOrderElementsOf(
                        all.stream().filter(ignorable::test).toList());
        assertThat(all.stream().filter(ignorable::test)).allSatisfy(c -> {
            String sign = Character.toString(c);
            assertThat(Names.problem(sign)).isNotNull();
        });
    }

    @Test
    void foldsCaseAsUnicodeDoes() {
        assertThat(differing("folded(a)", "b", c -> {
                    // Lower case first: simple folding leaves a capital I with a dot as it is.
                    int folded = UCharacter.foldCase(UCharacter.toLowerCase(c), UCharacter.FOLD_CASE_DEFAULT);
                    return nfc(Character.toString(folded));
                }))
                .isEmpty();
    }

    @Test
    void foldsSearchesLikeNames() {
        assertThat(differing("folded(a)", "b", c -> SearchText.folded(string(c))))
                .isEmpty();
        assertThat(differing("folded(a)", "b", c -> SearchText.folded(nfd(string(c)))))
                .isEmpty();
    }

    @Test
    void givesAllSpellingsOfAnAddressOneKey() {
        assertThat(differing("email_key('x' || a || '@x')", "email_key('x' || b || '@x')", c -> nfd(string(c))))
                .isEmpty();
        assertThat(differing(
                        "email_key('x' || a || '@x')",
                        "email_key(lower('x' || b || '@x' collate \"pg_c_utf8\"))",
                        FoldedTextTest::string))
                .isEmpty();
    }

    @Test
    void givesAllSpellingsOfADomainOneKey() {
        assertThat(differing("email_key('x@a' || a || 'b.c')", "email_key('x@' || b)", c -> host(c, true)))
                .isEmpty();
        assertThat(differing("email_key('x@a' || a || 'b.c')", "email_key('x@' || b)", c -> host(c, false)))
                .isEmpty();
    }

    /** Returns the domain in Punycode or mapped, or an empty string if no domain can have that character. */
    private static String host(int c, boolean ascii) {
        String host = "a" + string(c) + "b.c";
        IDNA.Info info = new IDNA.Info();
        StringBuilder mapped = new StringBuilder();
        if (ascii) {
            UTS_46.nameToASCII(host, mapped, info);
        } else {
            UTS_46.nameToUnicode(host, mapped, info);
        }
        return info.hasErrors() ? "" : mapped.toString();
    }

    private static String string(int c) {
        return Character.toString(c);
    }

    private static String nfc(String text) {
        return Normalizer2.getNFCInstance().normalize(text);
    }

    private static String nfd(String text) {
        return Normalizer2.getNFDInstance().normalize(text);
    }

    /** The characters {@code a}, in hexadecimal, for which the expression differs from the other one, of {@code b}. */
    private List<@Nullable String> differing(String expression, String other, IntFunction<String> b) {
        int[] assigned = IntStream.rangeClosed(1, UCharacter.MAX_VALUE)
                .filter(c -> UCharacter.isDefined(c) && UCharacter.getAge(c).compareTo(UNICODE) <= 0)
                .filter(c -> UCharacter.getType(c) != Character.SURROGATE
                        && UCharacter.getType(c) != Character.PRIVATE_USE
                        && c != '@')
                .filter(c -> !b.apply(c).isEmpty())
                // A sample represents the characters that stay as they are.
                .filter(c -> c % 64 == 0 || !NFKC_CASEFOLD.isNormalized(string(c)))
                .toArray();
        assertThat(assigned).hasSizeGreaterThan(5_000);
        return jdbc.queryForList(
                "select to_hex(ascii(a)) from unnest(?, ?) as given (a, b) where " + expression + " is distinct from "
                        + other,
                String.class,
                new SqlArrayValue(
                        "text",
                        IntStream.of(assigned).mapToObj(FoldedTextTest::string).toArray()),
                new SqlArrayValue("text", IntStream.of(assigned).mapToObj(b).toArray()));
    }
}
