// Writes the schema for Relay's compiler, which does not accept one that begins with `extend schema`.
import { readFileSync, writeFileSync } from 'node:fs';

const published = new URL('../../src/test/contracts/schema/user-directory.graphqls', import.meta.url);
const schema = readFileSync(published, 'utf8').replace(
  /^extend schema[^)]*\)$/m,
  'schema { query: Query mutation: Mutation subscription: Subscription }',
);
writeFileSync(new URL('schema.graphql', import.meta.url), schema);
