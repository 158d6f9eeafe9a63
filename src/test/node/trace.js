// A query of two subgraphs through the gateway, in the trace TRACEPARENT.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveSupergraph } from '../../../examples/supergraph/supergraph.js';

const { DIRECTORY_URL, TOKEN, TRACEPARENT, USER } = process.env;

test('both subgraphs respond', async () => {
  const supergraph = await serveSupergraph(DIRECTORY_URL);

  const response = await fetch(supergraph.url, {
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
  await supergraph.stop();
});
