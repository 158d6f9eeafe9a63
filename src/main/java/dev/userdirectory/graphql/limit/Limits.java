package dev.userdirectory.graphql.limit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.core.io.Resource;
import org.springframework.util.unit.DataSize;

/**
 * How much one request may ask for. A request over a limit is rejected before anything is executed; the error has the
 * limit's code, the limit and the actual value. Only the response is checked while it is built. A fragment counts each
 * time it is spread, and a field counts even if it is skipped.
 *
 * @param depth how deep fields are nested; the groups of the members of the groups of a user take 10
 * @param fields how many fields; more than any page of an application shows, few enough to validate in milliseconds
 * @param rootFields how many root fields; each may be an SQL statement of its own
 * @param aliases how many aliases: what it takes to ask for one thing many times
 * @param directives how many directives of the operation, {@code @skip} and {@code @include} as a rule
 * @param cost objects that the operation may return, by the schema's {@code @cost} and {@code @listSize}; a page
 *     of 100 users with 50 groups each costs 5,202, and 1,000 representations of a user 1,000
 * @param listSize how long a list is taken to be of which neither the schema nor an argument tells
 * @param tokens of the document, as graphql-java has it; 1,000 users written into the document have 12,000
 * @param characters of the document with its comments; 1,000 users written into it fit
 * @param digits how many characters a number may have, in JSON or in the document: the work of reading a number grows
 *     with the square of its length, and no argument takes more than 10 digits
 * @param variables values in variables, extensions and unknown members, at any depth, counted as they are read; 1,000
 *     representations or new users have some 4,000
 * @param memberName characters in the name of a JSON member; names in the schema have at most 20
 * @param body how long a request's body may be: 1,000 new users with the longest names
 * @param anonymousBody how long the body of a request without a token may be: there is little it may do, and anyone can
 *     send it
 * @param message characters in a message on a socket: the longest document
 * @param firstMessage characters in a message on a socket until {@code connection_init} succeeds, which carries a token at
 *     most as long as the server reads in headers
 * @param memory share of the heap for requests, by the size that they have once they are parsed, and for responses over
 *     8 kB until they were sent; a caller never holds more than is left for the others
 * @param head how long a connection may take to send the whole head of a request, counted from its first byte
 * @param response how many bytes a response may have: 5,000 groups with 2,000 bytes each
 * @param deadline until a request is answered, with what it is, and its SQL stopped
 * @param introspectionDepth how deep introspection is nested; what GraphiQL sends has 15
 * @param introspectionFields how many fields of introspection; what GraphiQL sends has some 200
 * @param persistedQueries how much memory is for documents kept for clients that send a hash instead, the least used forgotten first
 * @param trustedDocuments a folder of {@code .graphql} files, Relay's {@code operations.json} or Apollo's persisted-query manifests, whose documents are then all that can be run; none if it is not set
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
