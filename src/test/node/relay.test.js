// The Relay client of ../contracts/consumers, compiled anew from its fragments and the published schema: npm run relay.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const client = new URL('../contracts/consumers/relay-client/', import.meta.url);
const published = new URL('../contracts/schema/user-directory.graphqls', import.meta.url);
// Where relay.config.json has them.
const target = new URL('../../../target/relay/', import.meta.url);
const operations = new URL('operations.json', client);

test('the operations of the Relay client are what its compiler makes of it', () => {
  const before = readFileSync(operations, 'utf8');
  // Of what it finds compiled it writes nothing again.
  rmSync(target, { recursive: true, force: true });
  mkdirSync(new URL('generated', target), { recursive: true });
  // The compiler knows nothing of a schema that is extended before it is defined.
  writeFileSync(
    new URL('schema.graphql', target),
    readFileSync(published, 'utf8').replace(
      /^extend schema[^)]*\)$/m,
      'schema { query: Query mutation: Mutation subscription: Subscription }',
    ),
  );
  // And it only adds to the operations that are there.
  writeFileSync(operations, '{}');
  try {
    execFileSync(process.execPath, [fileURLToPath(import.meta.resolve('relay-compiler/cli.js'))], {
      cwd: client,
      encoding: 'utf8',
    });
  } catch (e) {
    writeFileSync(operations, before);
    assert.fail(`relay-client does not compile any more:\n${e.stdout}${e.stderr}`);
  }

  assert.equal(readFileSync(operations, 'utf8'), before, 'operations.json was not up to date. It is now: look at what changed');
});
