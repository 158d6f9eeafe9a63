// Subscriptions by the usual clients of browsers: graphql-ws over a WebSocket, graphql-sse over an event stream, and an
// EventSource, which knows nothing of GraphQL and reconnects by itself.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { createClient as createStreams } from 'graphql-sse';
import { DIRECTORY_URL, TOKEN, TOKEN_THAT_WRITES, createUser, newestCursor, sockets } from './directory.js';

const USER_EVENTS = 'subscription ($after: String) { userEvents(after: $after) { cursor type user { name } } }';

const streams = token =>
  createStreams({
    url: DIRECTORY_URL,
    headers: token && { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });

for (const [library, create] of [
  ['graphql-ws', sockets],
  ['graphql-sse', streams],
]) {
  test(`${library} receives new events, and events since a cursor`, async () => {
    const name = `${library} ${crypto.randomUUID()}`;
    const after = await newestCursor();
    await createUser(`${name} 1`);
    const client = create(TOKEN);
    const names = [];
    for await (const { data, errors } of client.iterate({
      query: USER_EVENTS,
      variables: { after },
    })) {
      assert.equal(errors, undefined, JSON.stringify(errors));
      assert.equal(data.userEvents.type, 'CREATED');
      if (names.push(data.userEvents.user.name) === 1) {
        await createUser(`${name} 2`);
      } else {
        break;
      }
    }
    assert.deepEqual(names, [`${name} 1`, `${name} 2`]);
    client.dispose();
  });

  test(`${library} runs a query`, async () => {
    const client = create(TOKEN);
    const results = [];
    for await (const result of client.iterate({ query: '{ users(first: 0) { nodes { id } } }' })) {
      results.push(result);
    }
    assert.deepEqual(results.map(({ data, errors }) => ({ data, errors })), [
      { data: { users: { nodes: [] } }, errors: undefined },
    ]);
    client.dispose();
  });

  test(`${library} learns why it is rejected`, async () => {
    const client = create(TOKEN_THAT_WRITES);
    const refusal = new Promise((resolve, reject) =>
      client.subscribe({ query: USER_EVENTS }, { next: ({ errors }) => resolve(errors), error: resolve, complete: reject }),
    );
    const refused = await refusal;
    // A socket is closed; a stream has an error.
    if (library === 'graphql-ws') {
      assert.equal(refused.code, 4403);
      assert.match(refused.reason, /users:read/);
    } else {
      assert.equal(refused[0].extensions.code, 'FORBIDDEN');
    }
    client.dispose();
  });
}

test('an EventSource resumes by itself after a disconnect', async () => {
  const { hostname, port } = new URL(DIRECTORY_URL);
  const open = new Set();
  const network = createServer(client => {
    const service = connect(port, hostname);
    for (const [socket, other] of [
      [client, service],
      [service, client],
    ]) {
      socket.pipe(other);
      socket.on('error', () => {}).on('close', () => other.destroy());
      open.add(socket);
    }
  });
  await new Promise(resolve => network.listen(0, hostname, resolve));
  const url = new URL(DIRECTORY_URL);
  url.port = network.address().port;
  url.searchParams.set('query', 'subscription { userEvents { user { name } } }');
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${TOKEN}` } }),
  });
  const next = () =>
    new Promise(resolve =>
      source.addEventListener('next', ({ data }) => resolve(JSON.parse(data).data.userEvents.user.name), { once: true }),
    );
  try {
    const name = `EventSource ${crypto.randomUUID()}`;
    await new Promise(resolve => source.addEventListener('open', resolve, { once: true }));
    const first = next();
    await createUser(`${name} 1`);
    assert.equal(await first, `${name} 1`);

    const second = next();
    open.forEach(socket => socket.destroy());
    await createUser(`${name} 2`);
    assert.equal(await second, `${name} 2`);

    const third = next();
    await createUser(`${name} 3`);
    assert.equal(await third, `${name} 3`);
  } finally {
    source.close();
    network.close();
  }
});
