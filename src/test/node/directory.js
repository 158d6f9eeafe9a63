// The running service, as the suites use it.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

export const { DIRECTORY_URL, TOKEN, TOKEN_THAT_WRITES } = process.env;

// As in browsers, and in Node from version 22 on.
globalThis.WebSocket ??= WebSocket;

export const headers = { authorization: `Bearer ${TOKEN}` };

export const sockets = token =>
  createClient({
    url: DIRECTORY_URL.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });

export async function send(query, variables) {
  const response = await fetch(DIRECTORY_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

export async function createUser(name) {
  const { createUser } = await send(
    'mutation ($name: String!, $email: String!) { createUser(name: $name, email: $email) { user { id } } }',
    { name, email: `${crypto.randomUUID()}@example.com` },
  );
  assert.ok(createUser.user.id);
}

/** A subscriber after this cursor receives all events from now on. */
export const newestCursor = async () => (await send('{ userEvents(first: 1) { newestCursor } }')).userEvents.newestCursor;
