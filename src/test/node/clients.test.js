// The usual clients of front ends, set up by their documentation: Apollo Client, urql, Relay's network layer.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { print } from 'graphql';
import RelayRuntime from 'relay-runtime';
import { DIRECTORY_URL, TOKEN, createUser, headers, newestCursor, sockets } from './directory.js';

const CREATE_USER = `mutation ($email: String!) {
  createUser(name: "Ada", email: $email) { user { name email } errors { code path } }
}`;
const USERS = 'query ($order: UserOrder = {field: NAME}) { users(first: 1, orderBy: $order) { nodes { id } } }';
const EVENTS = 'subscription ($after: String) { userEvents(after: $after) { type user { name } } }';
const STREAM_OR_SOCKET = /text\/event-stream.*WebSocket/;

const socketFor = t => {
  const socket = sockets(TOKEN);
  t.after(() => socket.dispose());
  return socket;
};
const newEmail = () => `${crypto.randomUUID()}@example.com`;
const sha256 = text => createHash('sha256').update(text).digest('hex');
/** A document that no client has registered yet. */
const newDocument = () => `query Q${crypto.randomUUID().replaceAll('-', '')} { __typename }`;
const persisted = document => ({ persistedQuery: { version: 1, sha256Hash: sha256(document) } });

/** Records the requests of a client. */
function recordingFetch() {
  const requests = [];
  const record = (url, init) => {
    requests.push({ url: new URL(url), body: init.body && JSON.parse(init.body), method: init.method });
    return fetch(url, init);
  };
  return { requests, fetch: record };
}

/** The names in the next two events; a user is created before and after the client subscribes. */
async function namesOfTwoEvents(subscribe) {
  const name = crypto.randomUUID();
  const after = await newestCursor();
  await createUser(`${name} 1`);
  const names = [];
  await new Promise((resolve, reject) => {
    const stop = subscribe({ after }, ({ data, errors, error }) => {
      if (errors || error) {
        reject(error ?? new Error(JSON.stringify(errors)));
      } else if (names.push(data.userEvents.user.name) === 1) {
        createUser(`${name} 2`).catch(reject);
      } else {
        // Not within the callback: some clients call it before they return how to stop.
        setImmediate(() => stop());
        resolve();
      }
    }, reject);
  });
  assert.deepEqual(names, [`${name} 1`, `${name} 2`]);
}

const apollo = link =>
  new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } });
const overHttp = options => apollo(new HttpLink({ uri: DIRECTORY_URL, headers, ...options }));

async function refusal(promise) {
  const error = await promise.then(
    result => assert.fail(`Not refused: ${JSON.stringify(result)}`),
    error => error,
  );
  assert.ok(CombinedGraphQLErrors.is(error), error);
  assert.equal(error.errors.length, 1);
  return error.errors[0];
}

test('Apollo Client creates a user, and learns why it cannot create another', async () => {
  const client = overHttp();
  const email = newEmail();
  const create = async () => (await client.mutate({ mutation: gql(CREATE_USER), variables: { email } })).data.createUser;

  assert.deepEqual(await create(), {
    __typename: 'CreateUserPayload',
    user: { __typename: 'User', name: 'Ada', email },
    errors: [],
  });
  assert.deepEqual((await create()).errors, [{ __typename: 'InputError', code: 'TAKEN', path: ['email'] }]);
});

for (const [transport, create] of [
  ['HTTP', () => overHttp()],
  ['a WebSocket', t => apollo(new GraphQLWsLink(socketFor(t)))],
]) {
  test(`Apollo Client receives a code for a null, over ${transport}`, async t => {
    const client = create(t);

    const error = await refusal(client.query({ query: gql(USERS), variables: { order: null } }));

    assert.equal(error.extensions.code, 'BAD_USER_INPUT');
    assert.match(error.message, /orderBy/);
  });
}

test('Apollo Client receives an error, and no data, for a subscription over HTTP', async () => {
  const results = [];
  await new Promise((resolve, reject) =>
    overHttp()
      .subscribe({ query: gql(EVENTS) })
      .subscribe({ next: result => results.push(result), complete: resolve, error: reject }),
  );

  assert.equal(results.length, 1);
  assert.ok(!results[0].data, JSON.stringify(results[0].data));
  assert.ok(CombinedGraphQLErrors.is(results[0].error), results[0].error);
  assert.equal(results[0].error.errors[0].extensions.code, 'BAD_REQUEST');
  assert.match(results[0].error.message, STREAM_OR_SOCKET);
});

test('Apollo Client subscribes over a WebSocket', async t => {
  const client = apollo(new GraphQLWsLink(socketFor(t)));

  await namesOfTwoEvents((variables, next, error) => {
    const subscription = client.subscribe({ query: gql(EVENTS), variables }).subscribe({ next, error });
    return () => subscription.unsubscribe();
  });
});

for (const useGETForHashedQueries of [false, true]) {
  test(`Apollo Client registers a query, then sends its hash by ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const query = gql(newDocument());
    const { requests, fetch } = recordingFetch();
    const link = () =>
      new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(
        new HttpLink({ uri: DIRECTORY_URL, headers, fetch }),
      );

    for (const client of [apollo(link()), apollo(link())]) {
      assert.deepEqual((await client.query({ query })).data, { __typename: 'Query' });
    }

    const method = useGETForHashedQueries ? 'GET' : 'POST';
    assert.deepEqual(
      requests.map(({ url, body, method }) => [method, Boolean(body?.query ?? url.searchParams.get('query'))]),
      [[method, false], ['POST', true], [method, false]],
    );
  });
}

test('Apollo Client registers a query over a WebSocket, and graphql-ws runs it by its hash', async t => {
  const query = gql(newDocument());
  const socket = socketFor(t);
  const link = new PersistedQueryLink({ sha256 }).concat(new GraphQLWsLink(socket));
  const byHash = () => socket.iterate({ query: '', extensions: persisted(print(query)) }).next();
  // The socket has other operations, which an unknown hash does not end.
  const other = socket.iterate({ query: EVENTS, variables: { after: await newestCursor() } });
  const event = other.next();
  await assert.rejects(byHash, ([error]) => error.extensions.code === 'PERSISTED_QUERY_NOT_FOUND');

  assert.deepEqual((await apollo(link).query({ query })).data, { __typename: 'Query' });
  assert.deepEqual((await byHash()).value.data, { __typename: 'Query' });

  const name = crypto.randomUUID();
  await createUser(name);
  assert.equal((await event).value.data.userEvents.user.name, name);
  await other.return();});

const urql = options =>
  new Client({ url: DIRECTORY_URL, exchanges: [fetchExchange], fetchOptions: { headers }, ...options });

test('urql queries by GET, creates by POST, and receives a code for a null', async () => {
  const { requests, fetch } = recordingFetch();
  const client = urql({ fetch });
  const email = newEmail();

  const users = await client.query(USERS, {}).toPromise();
  const created = await client.mutation(CREATE_USER, { email }).toPromise();
  const refused = await client.query(USERS, { order: null }).toPromise();

  assert.deepEqual(requests.map(({ method }) => method), ['GET', 'POST', 'GET']);
  assert.equal(users.error, undefined);
  assert.equal(users.data.users.nodes.length, 1);
  assert.equal(created.data.createUser.user.email, email);
  assert.ok(!refused.data);
  assert.equal(refused.error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
});

test('urql names a charset, and receives status 400 for an invalid query', async () => {
  const accept = 'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8; q=0.9';
  for (const preferGetMethod of ['force', false]) {
    const client = urql({ preferGetMethod, fetchOptions: { headers: { ...headers, accept } } });

    const { data, error } = await client.query('{ nothing }', {}).toPromise();

    assert.ok(!data);
    assert.equal(error.response.status, 400);
    assert.match(error.response.headers.get('content-type'), /^application\/graphql-response\+json/);
    assert.equal(error.graphQLErrors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  }
});

for (const [transport, create] of [
  ['an event stream', () => urql({ fetchSubscriptions: true })],
  ['a WebSocket', t => {
    const socket = socketFor(t);
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: sink => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    });
    return urql({ exchanges: [subscriptionExchange({ forwardSubscription })] });
  }],
]) {
  test(`urql subscribes over ${transport}`, async t => {
    const client = create(t);

    await namesOfTwoEvents((variables, next) => {
      const { unsubscribe } = client.subscription(EVENTS, variables).subscribe(next);
      return unsubscribe;
    });
  });
}

test("Relay's network layer sends the IDs of operations, and their text only if they are unknown", async t => {
  const socket = socketFor(t);
  // By ID, as Relay's compiler writes operations.json with the algorithm SHA256.
  const documents = Object.fromEntries([newDocument(), `${EVENTS} # ${newDocument()}`].map(text => [sha256(text), text]));
  const [query, subscription] = Object.keys(documents);
  const withText = [];
  const textOf = id => {
    withText.push(id);
    return { query: documents[id], extensions: persisted(documents[id]) };
  };
  const isUnknown = errors => errors?.[0]?.extensions?.code === 'PERSISTED_QUERY_NOT_FOUND';
  const post = async body => {
    const response = await fetch(DIRECTORY_URL, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  const network = RelayRuntime.Network.create(
    async ({ id }, variables) => {
      const result = await post({ id, variables });
      return isUnknown(result.errors) ? post({ ...textOf(id), variables }) : result;
    },
    ({ id }, variables) =>
      RelayRuntime.Observable.create(sink => {
        const error = errors => {
          if (isUnknown(errors)) {
            stop = socket.subscribe({ ...textOf(id), variables }, sink);
          } else {
            sink.error(errors);
          }
        };
        let stop = socket.subscribe({ query: '', documentId: id, variables }, { ...sink, error });
        return () => stop();
      }),
  );
  const execute = (id, operationKind, variables) =>
    network.execute({ id, cacheID: id, text: null, name: 'Operation', operationKind, metadata: {} }, variables, {});

  for (let time = 1; time <= 2; time++) {
    assert.deepEqual((await execute(query, 'query', {}).toPromise()).data, { __typename: 'Query' });
    await namesOfTwoEvents((variables, next, error) => {
      const { unsubscribe } = execute(subscription, 'subscription', variables).subscribe({ next, error });
      return unsubscribe;
    });
  }

  assert.deepEqual(withText, [query, subscription]);
});
