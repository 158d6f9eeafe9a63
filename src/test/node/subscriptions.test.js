// Subscriptions by the clients that browsers use: graphql-ws over a WebSocket, graphql-sse over an event stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient as createStreams } from 'graphql-sse';
import { createClient as createSockets } from 'graphql-ws';
import WebSocket from 'ws';

const { DIRECTORY_URL, TOKEN, TOKEN_THAT_WRITES } = process.env;
const USER_EVENTS = 'subscription ($after: String) { userEvents(after: $after) { cursor type user { name } } }';

const sockets = token =>
  createSockets({
    url: DIRECTORY_URL.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: token && { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
const streams = token =>
  createStreams({
    url: DIRECTORY_URL,
    headers: token && { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });

async function send(query, variables) {
  const response = await fetch(DIRECTORY_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const createUser = async name => {
  const { createUser } = await send(
    'mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }',
    { name, email: `${crypto.randomUUID()}@example.com` },
  );
  assert.ok(createUser.user.id);
};

for (const [library, create] of [
  ['graphql-ws', sockets],
  ['graphql-sse', streams],
]) {
  test(`${library} is sent events as they happen, and those since a cursor`, async () => {
    const name = `${library} ${crypto.randomUUID()}`;
    const { userEvents } = await send('{ userEvents(first: 1) { newestCursor } }');
    await createUser(`${name} 1`);
    const client = create(TOKEN);
    const names = [];
    for await (const { data, errors } of client.iterate({
      query: USER_EVENTS,
      variables: { after: userEvents.newestCursor },
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

  test(`${library} is told why it is refused`, async () => {
    const client = create(TOKEN_THAT_WRITES);
    const refusal = new Promise((resolve, reject) =>
      client.subscribe({ query: USER_EVENTS }, { next: ({ errors }) => resolve(errors), error: resolve, complete: reject }),
    );
    const refused = await refusal;
    // A socket is closed, with the code that a client does not come back from; a stream has an error.
    if (library === 'graphql-ws') {
      assert.equal(refused.code, 4403);
      assert.match(refused.reason, /users:read/);
    } else {
      assert.equal(refused[0].extensions.code, 'FORBIDDEN');
    }
    client.dispose();
  });
}
