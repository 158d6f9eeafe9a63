// The TypeScript of docs/clients.md: its configuration generates types from the served schema, its example compiles
// with them and runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { DIRECTORY_URL, headers, send } from './directory.js';

const page = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8');
const project = new URL('../../../target/codegen/', import.meta.url);
const modules = new URL('node_modules/', import.meta.url);

const write = (file, text) => writeFileSync(new URL(file, project), text);

function run(tool, ...args) {
  try {
    execFileSync(process.execPath, [fileURLToPath(new URL(tool, modules)), ...args], { cwd: project, encoding: 'utf8' });
  } catch (e) {
    assert.fail(`${tool} failed:\n${e.stdout}${e.stderr}`);
  }
}

test('the types that graphql-codegen generates fit the responses', async () => {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(new URL('src/', project), { recursive: true });
  symlinkSync(fileURLToPath(modules), new URL('node_modules', project), 'junction');
  for (const [, file, text] of page.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)) {
    write(file, text);
  }
  const schema = await fetch(new URL('/schema.graphqls', DIRECTORY_URL), { headers });
  write('schema.graphqls', await schema.text());
  // An instant is a string: "any" would allow the second line as well.
  write(
    'src/date-time.ts',
    `import type { NewestUsersQuery } from './gql/graphql';
     type Instant = NewestUsersQuery['users']['nodes'][number]['createdAt'];
     export const right: Instant = '2026-11-23T09:30:00.123456Z';
     // @ts-expect-error
     export const wrong: Instant = new Date();`,
  );
  write('package.json', '{}');

  run('@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts');
  run(
    'typescript/bin/tsc',
    ...['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--outDir', 'out'],
    ...['src/newest-users.ts', 'src/date-time.ts'],
  );
  const { newestUsers } = createRequire(project)('./out/newest-users.js');
  const client = new ApolloClient({ link: new HttpLink({ uri: DIRECTORY_URL, headers }), cache: new InMemoryCache() });
  const users = await newestUsers(client, 2);

  const ids = users.map(({ id }) => id);
  assert.equal(ids.length, 2);
  const { nodes } = await send(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on User { id name createdAt } } }',
    { ids },
  );
  assert.deepEqual(users, nodes);
});
