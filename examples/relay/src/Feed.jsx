import { useEffect, useEffectEvent, useState } from 'react';
import { graphql, requestSubscription } from 'react-relay';

const RETRY_MILLISECONDS = 1000;
// The code with which the service closes a socket whose token has expired.
const UNAUTHENTICATED = 4401;

// Relay itself updates the users in its store. The directives keep the list up to date.
const subscription = graphql`
  subscription FeedSubscription($after: String, $connections: [ID!]!) {
    directoryEvents(after: $after, types: [USER_CREATED, USER_UPDATED, USER_DELETED]) {
      __typename
      cursor
      actor {
        subject
      }
      ... on UserCreated {
        user @prependNode(connections: $connections, edgeTypeName: "UserEdge") {
          name
          ...UserRow_user
        }
      }
      ... on UserUpdated {
        user {
          name
          ...UserRow_user
        }
      }
      ... on UserDeleted {
        userId @deleteEdge(connections: $connections)
      }
    }
  }
`;

const VERBS = { UserCreated: 'created', UserUpdated: 'changed', UserDeleted: 'deleted' };

/** Applies every change to the list, and shows the latest. After a disconnect, it resumes where it left off. */
export function Feed({ session: { environment, socket, cursor }, connection, onExpired, onUnauthenticated }) {
  const [latest, setLatest] = useState(null);
  const [connected, setConnected] = useState(true);

  const onEnd = useEffectEvent((error, resume) => {
    if (codeOf(error) === 'EVENTS_EXPIRED') {
      onExpired();
    } else if (error?.code === UNAUTHENTICATED) {
      onUnauthenticated();
    } else {
      setConnected(false);
      return setTimeout(resume, RETRY_MILLISECONDS);
    }
  });

  useEffect(() => {
    let after = cursor;
    let timeout;
    let request;
    function follow() {
      request = requestSubscription(environment, {
        subscription,
        variables: { after, connections: [connection] },
        onNext({ directoryEvents }) {
          after = directoryEvents.cursor;
          setLatest(directoryEvents);
        },
        onError: error => (timeout = onEnd(error, follow)),
        onCompleted: () => (timeout = onEnd(null, follow)),
      });
    }
    const stopListening = socket.on('connected', () => setConnected(true));
    follow();
    return () => {
      clearTimeout(timeout);
      stopListening();
      request.dispose();
    };
  }, [environment, socket, cursor, connection]);

  return (
    <p className="feed" role="status">
      {!connected
        ? 'Disconnected. Trying again…'
        : latest
          ? describe(latest)
          : 'Following the directory. Changes appear here and in the list.'}
    </p>
  );
}

/** The code of the error that ended a subscription, or that it returned instead of data. */
const codeOf = error => (error?.source?.errors ?? [error].flat())[0]?.extensions?.code;

function describe({ __typename, actor, user }) {
  return `${actor?.subject ?? 'Somebody'} ${VERBS[__typename]} ${user?.name ?? 'a user'}.`;
}
