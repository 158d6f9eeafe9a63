// The Relay client of ../contracts/consumers, compiled anew from its fragments and the published schema: npm run relay.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const client = new URL('../contracts/consumers/relay-client/', import.meta.url);
const published = new URL('../contracts/schema/user-directory.graphqls', import.meta.url);
// Compiled there, since other tests read the client's files at the same time.
const target = new URL('../../../target/relay/', import.meta.url);
const operations = new URL('operations.json', client);

test('the operations of the Relay client are the output of its compiler', () => {
  const before = readFileSync(operations, 'utf8');
  // The compiler does not write files that exist already.
  rmSync(target, { recursive: true, force: true });
  const copy = new URL('client/', target);
  cpSync(client, copy, { recursive: true });
  mkdirSync(new URL('generated', target));
  // The compiler does not accept a schema that is extended before it is defined.
  writeFileSync(
    new URL('schema.graphql', target),
    readFileSync(published, 'utf8').replace(
      /^extend schema[^)]*\)$/m,
      'schema { query: Query mutation: Mutation subscription: Subscription }',
    ),
  );
  // It only adds to existing operations.
  writeFileSync(new URL('operations.json', copy), '{}');
  try {
    execFileSync(process.execPath, [fileURLToPath(import.meta.resolve('relay-compiler/cli.js'))], {
      cwd: copy,
      encoding: 'utf8',
    });
  } catch (e) {
    assert.fail(`relay-client does not compile any more:\n${e.stdout}${e.stderr}`);
  }

  const compiled = readFileSync(new URL('operations.json', copy), 'utf8');
  if (compiled !== before) {
    writeFileSync(operations, compiled);
  }
  assert.equal(compiled, before, 'operations.json was not up to date. It is now: look at what changed');
});
