package dev.userdirectory.user;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.database.ReadDatabase;
import dev.userdirectory.generated.types.DateTimeRange;
import dev.userdirectory.generated.types.OrderDirection;
import dev.userdirectory.generated.types.UserFilter;
import dev.userdirectory.generated.types.UserOrder;
import dev.userdirectory.graphql.cache.Dependencies;
import dev.userdirectory.input.BadUserInput;
import dev.userdirectory.input.SearchText;
import dev.userdirectory.page.Ordering;
import dev.userdirectory.page.Ordering.SortKey;
import dev.userdirectory.page.Rows;
import graphql.schema.DataFetchingEnvironment;
import java.text.Normalizer;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Selects the users in a list, and their order. The table's alias is {@code u}. */
@Component
public class UserLists {
    private static final int MAX_EMAILS = 100;
    private static final String CREATED_AT = "u.created_at";
    private static final String UPDATED_AT = "u.updated_at";

    private final MembershipFilter memberships;
    private final ReadDatabase reads;
    /** Keys by domain: a filter of members is resolved for each group of a page. */
    private final Cache<String, String> domainKeys =
            Caffeine.newBuilder().maximumSize(1000).build();

    UserLists(MembershipFilter memberships, ReadDatabase reads) {
        this.memberships = memberships;
        this.reads = reads;
    }

    /** @param connection the field that lists users, which distinguishes its cursors from those of other fields */
    public static Ordering ordering(String connection, UserOrder order) {
        SortKey id = new SortKey("u.id", "uuid");
        List<SortKey> keys = switch (order.getField()) {
            case CREATED_AT -> List.of(new SortKey(CREATED_AT, "timestamptz"), id);
            case UPDATED_AT -> List.of(new SortKey(UPDATED_AT, "timestamptz"), id);
            case NAME -> List.of(new SortKey("u.name_lower", "text"), id);
            case EMAIL -> List.of(new SortKey("u.email_lower", "text")); // unique, so no ties
        };
        String name = connection + " " + order.getField() + " " + order.getDirection();
        return new Ordering(name, order.getDirection() == OrderDirection.ASC, keys);
    }

    /**
     * Returns the rows that meet every condition of the filter. Adds the memberships that the filter looks at to the
     * response's dependencies, but not the users.
     *
     * @throws BadUserInput naming the condition that cannot be served
     */
    public Rows<User> filtered(
            Rows<User> rows, @Nullable UserFilter filter, Ordering ordering, DataFetchingEnvironment env) {
        if (filter == null) {
            return rows;
        }
        Rows<User> result = rows;
        if (filter.getActive() != null) {
            result = result.filteredBy(filter.getActive() ? "u.active" : "not u.active");
        }
        result = within(result, CREATED_AT, filter.getCreatedAt(), ordering);
        result = within(result, UPDATED_AT, filter.getUpdatedAt(), ordering);
        result = memberships.filtered(result, filter, Dependencies.of(env));
        if (filter.getEmailDomain() != null) {
            String domain = domain(filter.getEmailDomain());
            result = EmailAddress.isDomainTooLong(domain)
                    ? result.filteredBy("false")
                    : result.filteredBy("email_domain_key(u.email collate \"pg_c_utf8\") = ?::text", domainKey(domain));
        }
        if (filter.getEmails() != null) {
            result = result.filteredBy(
                            "email_key(u.email collate \"pg_c_utf8\") = any(array("
                                    + "select email_key(given.email collate \"pg_c_utf8\")"
                                    + " from unnest(?::text[]) given (email)))",
                            emails(filter.getEmails()))
                    .few();
        }
        if (filter.getSearch() != null) {
            String pattern = SearchText.pattern("filter.search", filter.getSearch());
            result = result.filteredBy(
                    "((u.name_lower || e'\\n' || u.email_lower) like ? or u.folded like ?)", pattern, pattern);
        }
        return result;
    }

    /** If the ordering is by the same column, its index leads straight to the range. */
    private static Rows<User> within(Rows<User> rows, String column, @Nullable DateTimeRange range, Ordering ordering) {
        if (range == null) {
            return rows;
        }
        Rows<User> result = rows;
        boolean isOrdered = ordering.keys().getFirst().column().equals(column);
        if (range.getFrom() != null) {
            String from = column + " >= ?::timestamptz";
            OffsetDateTime time = stored(range.getFrom());
            result = isOrdered ? result.within(from, time) : result.filteredBy(from, time);
        }
        if (range.getBefore() != null) {
            String before = column + " < ?::timestamptz";
            OffsetDateTime time = stored(range.getBefore());
            result = isOrdered ? result.within(before, time) : result.filteredBy(before, time);
        }
        return result;
    }

    /** The first whole microsecond at or after this time: stored times have no smaller fractions. */
    private static OffsetDateTime stored(OffsetDateTime time) {
        OffsetDateTime micros = time.truncatedTo(ChronoUnit.MICROS);
        return micros.isBefore(time) ? micros.plus(1, ChronoUnit.MICROS) : micros;
    }

    /** Computes the key in a separate statement, because a walk would compute it for each row. */
    private String domainKey(String domain) {
        String known = domainKeys.getIfPresent(domain);
        if (known != null) {
            return known;
        }
        String key = reads.query(jdbc -> Objects.requireNonNull(
                jdbc.queryForObject("select email_domain_key('x@' || ? collate \"pg_c_utf8\")", String.class, domain)));
        domainKeys.put(domain, key);
        return key;
    }

    private static String domain(String domain) {
        SearchText.check("filter.emailDomain", domain, EmailAddress.MAX_LENGTH);
        // PostgreSQL's keys are normalized in this way, too, and some other characters become an `@`.
        if (Normalizer.normalize(domain, Normalizer.Form.NFKC).contains("@")) {
            throw new BadUserInput("filter.emailDomain", "is what follows the `@`, without it.");
        }
        return domain;
    }

    private static String emails(List<String> emails) {
        checkSize("filter.emails", emails, MAX_EMAILS, "addresses");
        for (int i = 0; i < emails.size(); i++) {
            SearchText.check("filter.emails." + i, emails.get(i), EmailAddress.MAX_LENGTH);
        }
        return array(emails.stream().filter(UsersByEmail::mayExist).toList());
    }

    static void checkSize(String argument, List<String> given, int most, String what) {
        if (given.size() > most) {
            throw new BadUserInput(argument, "has at most " + most + " " + what + ", not " + given.size() + ".");
        }
    }

    /** An array in the syntax of PostgreSQL. Unlike a JDBC array, it equals another one with the same elements. */
    private static String array(List<String> elements) {
        return elements.stream()
                .map(element -> '"' + element.replaceAll("[\"\\\\]", "\\\\$0") + '"')
                .collect(Collectors.joining(",", "{", "}"));
    }
}
