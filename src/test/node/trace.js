// A query of two subgraphs through the gateway, in the trace TRACEPARENT.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compose, createDesks, createGateway, createKeys, serve } from './supergraph.js';

const { DIRECTORY_URL, TOKEN, TRACEPARENT, USER } = process.env;

test('is answered by both subgraphs', async () => {
  const subgraphs = [await serve(createDesks()), await serve(createKeys())];
  const schema = readFileSync(new URL('../contracts/schema/user-directory.graphqls', import.meta.url), 'utf8');
  const gateway = await serve(createGateway(compose(schema, DIRECTORY_URL, ...subgraphs.map(({ url }) => url))));

  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${TOKEN}`,
      traceparent: TRACEPARENT,
    },
    body: JSON.stringify({
      query: `mutation { bookDesk(number: 3, userId: "${USER}") { number bookedBy { name groups(first: 1) { totalCount } } } }`,
    }),
  });

  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert.equal(data.bookDesk.bookedBy.groups.totalCount, 0);
  for (const server of [gateway, ...subgraphs]) {
    await server.stop();
  }
});
