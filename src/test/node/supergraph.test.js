// The supergraph of supergraph.js over the running service.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { compose, createDesks, createGateway, serve } from './supergraph.js';

const { DIRECTORY_URL, TOKEN, TOKEN_THAT_WRITES, USERS } = process.env;
const [alice, bob] = JSON.parse(USERS);

let desks;
let gateway;

before(async () => {
  desks = await serve(createDesks());
  const schema = readFileSync(new URL('../contracts/schema/user-directory.graphqls', import.meta.url), 'utf8');
  gateway = await serve(createGateway(compose(schema, DIRECTORY_URL, desks.url)));
  await data(`mutation { bookDesk(number: 7, userId: "${alice.id}") { number } }`);
  await data(`mutation { handOutKey(number: 7, email: "${bob.email}") { number } }`);
});

after(async () => {
  await gateway?.stop();
  await desks?.stop();
});

async function execute(query, token = TOKEN) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

async function data(query) {
  const response = await execute(query);
  assert.equal(response.errors, undefined, JSON.stringify(response.errors));
  return response.data;
}

const desk7 = response => response.desks.find(({ number }) => number === 7);

test('joins users to another subgraph by ID and by e-mail address', async () => {
  const response = await data('{ desks { number bookedBy { id name email } keyHolder { id name email } } }');

  assert.deepEqual(desk7(response), { number: 7, bookedBy: alice, keyHolder: bob });
});

test('joins another subgraph to users', async () => {
  const { user, userByEmail, users } = await data(`{
    user(id: "${alice.id}") { name desks { number } }
    userByEmail(email: "${alice.email}") { desks { number } }
    users(first: 1, filter: {search: "${alice.email}"}) { nodes { name desks { number } } }
  }`);

  assert.deepEqual(user, { name: alice.name, desks: [{ number: 7 }] });
  assert.deepEqual(userByEmail, { desks: [{ number: 7 }] });
  assert.deepEqual(users.nodes, [{ name: alice.name, desks: [{ number: 7 }] }]);
});

test('goes from one key to the other by way of the directory', async () => {
  await data(`mutation { handOutKey(number: 9, email: "${alice.email}") { number } }`);

  const { desks } = await data('{ desks { number keyHolder { desks { number bookedBy { email } } } } }');

  assert.deepEqual(desks.find(({ number }) => number === 9).keyHolder, {
    desks: [{ number: 7, bookedBy: { email: alice.email } }],
  });
});

test('leaves null what the directory does not have', async () => {
  await data('mutation { handOutKey(number: 8, email: "nobody@example.com") { number } }');

  const { desks } = await data('{ desks { number keyHolder { name } } }');

  assert.equal(desks.find(({ number }) => number === 8).keyHolder?.name ?? null, null);
});

test('passes the caller\'s token on, and a refusal back at its field', async () => {
  const refused = await execute('{ desks { number } user(id: "x") { name } }', TOKEN_THAT_WRITES);

  assert.equal(desk7(refused.data).number, 7);
  assert.equal(refused.data.user, null);
  assert.equal(refused.errors.length, 1);
  assert.deepEqual(refused.errors[0].path, ['user']);
  assert.equal(refused.errors[0].extensions.code, 'FORBIDDEN');
  assert.match(refused.errors[0].message, /users:read/);
});

test('refuses entities to a caller without a token', async () => {
  const refused = await execute('{ desks { number bookedBy { name } } }', null);

  const { number, bookedBy } = desk7(refused.data);
  assert.deepEqual({ number, name: bookedBy?.name ?? null }, { number: 7, name: null });
  assert.ok(refused.errors.some(error => error.extensions.code === 'UNAUTHENTICATED'), JSON.stringify(refused.errors));
});
