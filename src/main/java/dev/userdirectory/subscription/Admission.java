package dev.userdirectory.subscription;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.userdirectory.graphql.limit.RequestMemory;
import dev.userdirectory.graphql.limit.RequestMemory.Reservation;
import dev.userdirectory.graphql.limit.Weight;
import dev.userdirectory.graphql.operation.WrittenResult;
import dev.userdirectory.graphql.scope.Caller;
import dev.userdirectory.graphql.scope.DeniedAccess;
import dev.userdirectory.graphql.scope.DeniedAccess.Reason;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.graphql.server.WebGraphQlResponse;
import org.springframework.security.authentication.AnonymousAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * Limits the connections and operations that clients keep open. Throws {@link LimitReached} if a limit would be
 * exceeded.
 */
@Component
@EnableConfigurationProperties(SubscriptionProperties.class)
class Admission {
    private static final String ALL = "";
    private static final String ADDRESS = "address ";
    private static final String SUBJECT = "subject ";

    private final SubscriptionProperties properties;
    private final RequestMemory memory;
    private final DeniedAccess denied;
    private final KeyedLimit connections;
    private final KeyedLimit connectionsOfAddress;
    private final KeyedLimit connectionsOfSubject;
    private final KeyedLimit operations;
    private final KeyedLimit operationsOfSubject;
    private final KeyedLimit characters;
    private final KeyedLimit charactersOfSubject;
    private final Cache<String, Semaphore> shares =
            Caffeine.newBuilder().weakValues().build();

    Admission(SubscriptionProperties properties, RequestMemory memory, DeniedAccess denied) {
        this.properties = properties;
        this.memory = memory;
        this.denied = denied;
        connections = limit(properties.connections(), "sockets and event streams are served here");
        connectionsOfAddress =
                limit(properties.connectionsPerAddress(), "connections that have shown no token, of one address");
        connectionsOfSubject = limit(properties.connectionsPerSubject(), "sockets and event streams of one subject");
        operations = limit(properties.operations(), "subscriptions are served here");
        operationsOfSubject = limit(properties.operationsPerSubject(), "subscriptions of one subject");
        characters =
                limit(properties.characters(), "characters of documents and variables of subscriptions are kept here");
        charactersOfSubject = limit(
                properties.charactersPerSubject(),
                "characters of documents and variables of one subject's subscriptions");
    }

    private KeyedLimit limit(int limit, String name) {
        return new KeyedLimit(limit, name, () -> denied.count(Reason.LIMIT));
    }

    /** @param reason null if there is nothing to count */
    void countDenied(@Nullable Reason reason) {
        if (reason != null) {
            denied.count(reason);
        }
    }

    SubscriptionProperties properties() {
        return properties;
    }

    /** Counts a socket or an event stream towards the limit of this instance, until the result is disposed of. */
    Disposable connection() {
        return connections.acquire(ALL, 1);
    }

    /**
     * Counts a socket or an event stream towards the limit of its client, until the result is disposed of.
     *
     * @param client see {@link #client}
     */
    Disposable connectionOf(String client) {
        return (client.startsWith(ADDRESS) ? connectionsOfAddress : connectionsOfSubject).acquire(client, 1);
    }

    /**
     * Counts a subscription, or another operation while it runs, until the result is disposed of.
     *
     * @param document the text of the document, which the operation keeps in memory
     * @param variables the values of the variables, which it keeps as well; a value counts as the number of characters
     *     that take up as much memory
     * @param extensions the request's extensions, which it keeps as well and which count likewise
     */
    Disposable operationOf(String client, String document, Map<String, ?> variables, Map<?, ?> extensions) {
        int length = Weight.sum(
                document.length() + (Weight.ofJson(variables) + Weight.ofJson(extensions)) / Character.BYTES);
        Disposable.Composite acquired = Disposables.composite();
        try {
            acquired.add(operations.acquire(ALL, 1));
            acquired.add(operationsOfSubject.acquire(client, 1));
            acquired.add(charactersOfSubject.acquire(client, length));
            acquired.add(characters.acquire(ALL, length));
            return acquired;
        } catch (LimitReached e) {
            acquired.dispose();
            throw e;
        }
    }

    /** Counts the document of a subscription that was requested by its hash alone, until the result is disposed of. */
    Disposable documentOf(String client, WebGraphQlRequest request, WebGraphQlResponse response) {
        String document = response.getExecutionInput().getQuery();
        if (!WrittenResult.isStream(response) || document.equals(request.getDocument())) {
            return Disposables.disposed();
        }
        Disposable ofSubject = charactersOfSubject.acquire(client, document.length());
        try {
            return Disposables.composite(ofSubject, characters.acquire(ALL, document.length()));
        } catch (LimitReached e) {
            ofSubject.dispose();
            throw e;
        }
    }

    /** @param running the operations that one socket has running, without the one that it asks for */
    void checkOperationsOfSocket(int running) {
        int limit = properties.operationsPerSocket();
        if (running >= limit) {
            denied.count(Reason.LIMIT);
            throw new LimitReached("At most %,d operations of one socket".formatted(limit), limit);
        }
    }

    /** Reserves memory for a client's message, or for an operation until its result is sent. */
    Reservation memoryOf(@Nullable Authentication authentication) {
        return memory.open(authentication);
    }

    /** Reserves memory for an event until its result is sent. */
    Reservation memoryOfEvent(Caller caller) {
        return memory.openFor(caller);
    }

    /** Returns the permits for the connections to PostgreSQL that the events of one client may use at a time. */
    Semaphore shareOf(Caller caller) {
        return shares.get(caller.account(), key -> new Semaphore(properties.databaseConnections(), true));
    }

    /** The client that a connection counts towards: the token's subject or, without a token, the network address. */
    static String client(@Nullable Authentication authentication, @Nullable InetSocketAddress address) {
        return authentication == null || authentication instanceof AnonymousAuthenticationToken
                ? ADDRESS + (address == null ? "" : Caller.network(address.getHostString()))
                : SUBJECT + authentication.getName();
    }
}
