package dev.userdirectory.subscription;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits on connections and operations that clients keep open. A subject is the {@code sub} of a token; if a gateway
 * sends all users' operations with its own token, raise the limits per subject.
 *
 * @param connections open sockets and event streams of this instance; an idle one takes about 60 kB of heap, so
 *     all of them take a quarter of the heap in the Kubernetes manifest
 * @param connectionsPerSubject open sockets and event streams of one subject: browser tabs and devices of one person,
 *     with those whose loss has not been noticed yet
 * @param connectionsPerAddress sockets of one address that have not sent {@code connection_init} yet, and event streams
 *     without a token; a whole office may share an address, but each socket needs only a moment for this
 * @param operations open subscriptions of this instance, and other operations that sockets have running
 * @param operationsPerSubject open subscriptions and running operations of one subject
 * @param operationsPerSocket open subscriptions and running operations of one socket
 * @param characters characters of the documents and variables of all open subscriptions of this instance, which may
 *     take up two bytes each
 * @param charactersPerSubject characters of the documents and variables of one subject's open subscriptions, which are
 *     kept as long as these; a value of a variable counts as the characters that take as much memory
 * @param concurrency operations and events of one socket that are executed at a time; the others wait their turn
 * @param databaseConnections connections to PostgreSQL that the events of one subject may use at a time; the pool has ten,
 *     and the others stay free for everybody else. Lookups that requests share do not count
 * @param attempts the number of attempts to execute an event before its subscription ends
 */
@ConfigurationProperties("directory.subscriptions")
record SubscriptionProperties(
        @DefaultValue("2000") int connections,
        @DefaultValue("200") int connectionsPerSubject,
        @DefaultValue("50") int connectionsPerAddress,
        @DefaultValue("10000") int operations,
        @DefaultValue("400") int operationsPerSubject,
        @DefaultValue("50") int operationsPerSocket,
        @DefaultValue("20000000") int characters,
        @DefaultValue("2000000") int charactersPerSubject,
        @DefaultValue("8") int concurrency,
        @DefaultValue("4") int databaseConnections,
        @DefaultValue("3") int attempts) {}
