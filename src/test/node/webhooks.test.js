// The service's webhook, received by the libraries of Standard Webhooks and of CloudEvents.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { createUser, send } from './directory.js';
import { createReceiver } from '../../../examples/webhooks/webhooks.js';

const { WEBHOOK_PORT, WEBHOOK_SECRET } = process.env;
const URL = `http://127.0.0.1:${WEBHOOK_PORT}/`;
const received = [];
const requests = [];
const waiting = [];
let failures = 0;

const server = createServer((request, response) => {
  requests.push(request.headers);
  return receiver(request, response);
});

const receiver = createReceiver(WEBHOOK_SECRET, event => {
  if (failures-- > 0) {
    throw new Error('not yet');
  }
  received.push(event);
  waiting.splice(0).forEach(look => look());
});

/** The first received event for which `matches` is true. */
async function find(matches) {
  for (;;) {
    const found = received.find(matches);
    if (found) {
      return found;
    }
    await new Promise(resolve => waiting.push(resolve));
  }
}

before(() => new Promise(resolve => server.listen(WEBHOOK_PORT, '127.0.0.1', resolve)));

after(() => {
  server.closeAllConnections();
  server.close();
});

test('delivers the event of a change, as the feed shows it', async () => {
  const name = crypto.randomUUID();
  await createUser(name);
  const { users } = await send(`{ users(first: 1, filter: {search: "${name}"}) { nodes { id history(first: 1) { nodes {
    __typename cursor occurredAt actor { subject client } ... on UserCreated { userId } } } } } }`);
  const [{ id, history }] = users.nodes;
  const { __typename, cursor, ...data } = history.nodes[0];

  const event = await find(({ subject }) => subject === id);

  assert.equal(event.specversion, '1.0');
  assert.equal(event.type, `dev.userdirectory.${__typename}`);
  assert.equal(event.source, 'user-directory');
  assert.equal(event.datacontenttype, 'application/json');
  assert.equal(new Date(event.time).getTime(), new Date(data.occurredAt).getTime());
  assert.ok(event.data.cursor);
  assert.deepEqual({ ...event.data, cursor: undefined }, { ...data, cursor: undefined });
  assert.ok(event.validate());
});

test('repeats an event with the same ID until it is accepted', async () => {
  const start = requests.length;
  failures = 2;
  await createUser('Repeated');

  const { id } = await find(event => requests.slice(start).filter(headers => headers['webhook-id'] === event.id).length > 1);

  assert.deepEqual(requests.slice(start, start + 3).map(headers => headers['webhook-id']), [id, id, id]);
});

test('rejects a changed message, and one from another sender', async () => {
  const headers = requests.at(-1);
  const { status } = await fetch(URL, {
    method: 'POST',
    headers: Object.fromEntries(
      ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'].map(name => [name, headers[name]]),
    ),
    body: '{}',
  });

  assert.equal(status, 401);
  assert.equal((await fetch(URL, { method: 'POST', body: '{}' })).status, 401);
});
