// The supergraph of examples/supergraph over the running service.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { compose, createGateway, serve } from '../../../examples/supergraph/gateway.js';
import { serveSupergraph } from '../../../examples/supergraph/supergraph.js';

const { DIRECTORY_URL, TOKEN, TOKEN_THAT_WRITES, USERS } = process.env;
const [alice, bob] = JSON.parse(USERS);
const servers = [];
let supergraph;

before(async () => {
  supergraph = await serveSupergraph(DIRECTORY_URL);
  servers.push(supergraph);
  await data(`mutation {
    bookDesk(number: 7, userId: "${alice.id}") { number }
    handOutKey(room: "Lab", email: "${bob.email}") { room }
    alices: handOutKey(room: "Attic", email: "${alice.email}") { room }
  }`);
});

after(async () => {
  for (const server of servers) {
    await server.stop();
  }
});

async function execute(query, token = TOKEN, headers = {}) {
  const response = await fetch(supergraph.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

async function data(query) {
  const response = await execute(query);
  assert.equal(response.errors, undefined, JSON.stringify(response.errors));
  return response.data;
}

test('joins users to another subgraph by ID', async () => {
  const { desks } = await data('{ desks { number bookedBy { id name email } } }');

  assert.deepEqual(desks, [{ number: 7, bookedBy: alice }]);
});

test('joins users to another subgraph by e-mail address', async () => {
  const { keys } = await data('{ keys { room holder { id name email } } }');

  assert.deepEqual(keys.find(({ room }) => room === 'Lab').holder, bob);
});

test('joins other subgraphs to users', async () => {
  const { user, users } = await data(`{
    user(id: "${alice.id}") { name desks { number } keys { room } }
    users(first: 1, filter: {search: "${bob.email}"}) { nodes { name desks { number } keys { room } } }
  }`);

  assert.deepEqual(user, { name: alice.name, desks: [{ number: 7 }], keys: [{ room: 'Attic' }] });
  assert.deepEqual(users.nodes, [{ name: bob.name, desks: [], keys: [{ room: 'Lab' }] }]);
});

test('goes from one key to the other by way of the directory', async () => {
  const { desks } = await data('{ desks { bookedBy { keys { room holder { desks { number } } } } } }');

  assert.deepEqual(desks, [{ bookedBy: { keys: [{ room: 'Attic', holder: { desks: [{ number: 7 }] } }] } }]);
});

test('returns null for users that the directory does not have', async () => {
  const { data } = await execute(
    'mutation { handOutKey(room: "Cellar", email: "nobody@example.com") { room holder { name } } }',
  );

  assert.deepEqual(data.handOutKey, { room: 'Cellar', holder: null });
});

test("passes the caller's token on, and an error back at its field", async () => {
  const refused = await execute('{ desks { number } user(id: "x") { name } }', TOKEN_THAT_WRITES);

  assert.deepEqual(refused.data, { desks: [{ number: 7 }], user: null });
  assert.equal(refused.errors.length, 1);
  assert.deepEqual(refused.errors[0].path, ['user']);
  assert.equal(refused.errors[0].extensions.code, 'FORBIDDEN');
  assert.match(refused.errors[0].message, /users:read/);
});

test("passes the client's idempotency key on, so that a retry changes nothing", async () => {
  const mutation = 'mutation { createGroup(name: "Once") { group { id } errors { code } } }';
  const key = { 'idempotency-key': `"supergraph ${alice.id}"` };

  const first = await execute(mutation, TOKEN_THAT_WRITES, key);
  const second = await execute(mutation, TOKEN_THAT_WRITES, key);

  assert.ok(first.data.createGroup.group.id, JSON.stringify(first));
  assert.deepEqual(second, first);
  assert.deepEqual((await execute('{ desks { bookedBy { id } } }', TOKEN, key)).data, {
    desks: [{ bookedBy: { id: alice.id } }],
  });
});

test('rejects entities for a caller without a token', async () => {
  const refused = await execute('{ keys { room } desks { number bookedBy { name } } }', null);

  assert.ok(refused.errors.every(error => error.extensions.code === 'UNAUTHENTICATED'), JSON.stringify(refused));
  assert.ok(refused.errors.length > 0);
  assert.ok(!JSON.stringify(refused).includes(alice.name));
});

test('composes with subgraphs that have their own nodes, and finds those of the directory', async () => {
  const directory = readFileSync(new URL('../contracts/schema/user-directory.graphqls', import.meta.url), 'utf8');
  const withNodes = (type, field) => `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
    type Query {
      node(id: ID!): Node @shareable
      nodes(ids: [ID!]!): [Node]! @shareable
    }
    interface Node {
      id: ID!
    }
    type ${type} implements Node @key(fields: "id") {
      id: ID!
      ${field}: String
    }`;
  const composed = compose([
    { name: 'user-directory', url: DIRECTORY_URL, schema: directory },
    { name: 'rooms', url: 'http://127.0.0.1:1', schema: withNodes('Room', 'floor') },
    { name: 'parcels', url: 'http://127.0.0.1:1', schema: withNodes('Parcel', 'sender') },
  ]);
  const gateway = await serve(createGateway(composed));
  servers.push(gateway);

  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query: `{ node(id: "${alice.id}") { ... on User { name } } }` }),
  });

  assert.deepEqual(await response.json(), { data: { node: { name: alice.name } } });
});
