package dev.userdirectory.graphql.limit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.core.io.Resource;
import org.springframework.util.unit.DataSize;

/**
 * The limits of one request. A request over a limit is rejected before anything is executed; the error has the limit's
 * code, the limit and the actual value. The exception is the size of the response, which is checked while it is built.
 * A fragment counts each time it is spread, and a field counts even if it is skipped.
 *
 * @param depth how deep fields may be nested; the groups of the members of the groups of a user take 10
 * @param fields how many fields an operation may have: more than any page of an application shows, and few enough
 *     to validate in milliseconds
 * @param rootFields how many root fields an operation may have; each may be an SQL statement of its own
 * @param aliases how many aliases an operation may have; with aliases, one request asks for the same thing many
 *     times
 * @param directives how many directives an operation may have; most are {@code @skip} and {@code @include}
 * @param cost how many objects an operation may return, by the {@code @cost} and {@code @listSize} of the schema; a
 *     page of 100 users with 50 groups each costs 5,202, and 1,000 representations of a user cost 1,000, or 9,000 by address
 * @param listSize the assumed length of a list if neither the schema nor an argument states it
 * @param tokens how many tokens a document may have, as graphql-java counts them; a document with 1,000 new users
 *     has 12,000
 * @param characters how many characters a document may have, comments included; a document with 1,000 new users
 *     fits
 * @param digits how many characters a number may have, in JSON or in the document: the work of reading a number grows
 *     with the square of its length, and no argument takes more than 10 digits
 * @param variables how many values a request may have in variables, extensions and unknown members, at any depth;
 *     1,000 representations or new users have about 4,000
 * @param memberName characters in the name of a JSON member; names in the schema have at most 20
 * @param body the largest body of a request: 1,000 new users with the longest names
 * @param anonymousBody the largest body of a request without a token, which anyone can send
 * @param message characters in a message on a socket: the longest document
 * @param firstMessage characters in a message on a socket until {@code connection_init} succeeds, which carries a token at
 *     most as long as the server reads in headers
 * @param memory the share of the heap for requests, by their size once they are parsed, and for responses
 *     until they have been sent, except small ones over HTTP; a caller never holds more than is left for the others
 * @param head how long a connection may take to send the whole head of a request, counted from its first byte, or a
 *     body that nothing reads
 * @param response how many bytes a response may have: 5,000 groups with 2,000 bytes each
 * @param deadline how long a request may take; after that, the response is an error, and its SQL is cancelled
 * @param introspectionDepth how deep introspection may be nested; GraphiQL sends 15 levels
 * @param introspectionFields how many fields of introspection an operation may have; GraphiQL sends about 200
 * @param persistedQueries how much memory is for the documents of clients that send a hash instead; the least used
 *     are evicted first
 * @param trustedDocuments a folder of {@code .graphql} files, Relay's {@code operations.json} or Apollo's
 *     persisted-query manifests; if it is set, no other documents are run
 */
@ConfigurationProperties("directory.limits")
public record Limits(
        @DefaultValue("15") int depth,
        @DefaultValue("2000") int fields,
        @DefaultValue("50") int rootFields,
        @DefaultValue("100") int aliases,
        @DefaultValue("100") int directives,
        @DefaultValue("10000") int cost,
        @DefaultValue("20") int listSize,
        @DefaultValue("15000") int tokens,
        @DefaultValue("100000") int characters,
        @DefaultValue("100") int digits,
        @DefaultValue("10000") int variables,
        @DefaultValue("200") int memberName,
        @DefaultValue("2MB") DataSize body,
        @DefaultValue("64KB") DataSize anonymousBody,
        @DefaultValue("100000") int message,
        @DefaultValue("8192") int firstMessage,
        @DefaultValue("0.25") double memory,
        @DefaultValue("10s") Duration head,
        @DefaultValue("10MB") DataSize response,
        @DefaultValue("5s") Duration deadline,
        @DefaultValue("20") int introspectionDepth,
        @DefaultValue("500") int introspectionFields,
        @DefaultValue("10MB") DataSize persistedQueries,
        @Nullable Resource trustedDocuments) {}
