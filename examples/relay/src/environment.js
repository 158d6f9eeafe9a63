import { createClient } from 'graphql-ws';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';

/** Each token has its own store, so that no user sees data that another user has read. */
export function createEnvironment(token, onUnauthenticated) {
  const authorization = `Bearer ${token}`;
  let unanswered;
  // The feed reconnects, since it knows the cursor to resume from.
  const socket = createClient({
    url: new URL('/graphql', location.href.replace('http', 'ws')).href,
    connectionParams: { authorization },
    retryAttempts: 0,
    // After a change of the network, nothing else would notice that the socket is dead.
    keepAlive: 10_000,
    on: {
      ping: received => received || (unanswered = setTimeout(() => socket.terminate(), 5_000)),
      pong: received => received && clearTimeout(unanswered),
      closed: () => clearTimeout(unanswered),
    },
  });

  async function execute({ text, name }, variables) {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: text, operationName: name, variables }),
    });
    if (response.status === 401) {
      onUnauthenticated();
    }
    if (!response.headers.get('content-type')?.includes('json')) {
      throw new Error(`The service answered with status ${response.status}.`);
    }
    return response.json();
  }

  const subscribe = ({ text, name }, variables) =>
    Observable.create(sink => socket.subscribe({ query: text, operationName: name, variables }, sink));

  const environment = new Environment({
    network: Network.create(execute, subscribe),
    store: new Store(new RecordSource()),
  });
  return { environment, socket };
}
