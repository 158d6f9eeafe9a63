import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { compose, createGateway, serve } from './gateway.js';
import { createDesks, createKeys, desksSchema, keysSchema } from './subgraphs.js';

const PUBLISHED = new URL('../../src/test/contracts/schema/user-directory.graphqls', import.meta.url);

/** Serves both subgraphs, and a gateway in front of them and the directory. Resolves to its URL, and how to stop all three. */
export async function serveSupergraph(directoryUrl, { schemaFile = PUBLISHED, port, host } = {}) {
  const desks = await serve(createDesks());
  const keys = await serve(createKeys());
  const supergraph = compose([
    { name: 'user-directory', url: directoryUrl, schema: readFileSync(schemaFile, 'utf8') },
    { name: 'desks', url: desks.url, schema: desksSchema },
    { name: 'keys', url: keys.url, schema: keysSchema },
  ]);
  const gateway = await serve(createGateway(supergraph), port, host);
  return {
    url: gateway.url,
    stop: () => Promise.all([gateway, desks, keys].map(server => server.stop())),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { DIRECTORY_URL = 'http://localhost:8080/graphql', SCHEMA_FILE, PORT = '4000', HOST } = process.env;
  const { url } = await serveSupergraph(DIRECTORY_URL, { schemaFile: SCHEMA_FILE, port: Number(PORT), host: HOST });
  // The gateway handles these signals itself, and does not exit.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit());
  }
  console.log(`The supergraph over ${DIRECTORY_URL} is served at ${url}`);
}
