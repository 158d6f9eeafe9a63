// Apollo's unchanged federation compatibility tests, over the service at PRODUCTS_URL. The libraries of
// supergraph.test.js compose and serve the subgraphs, in place of Apollo's rover and router.
import { expect } from 'expect';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { after, before, describe, it, test } from 'node:test';
import { compose, createGateway, serve } from '../../../examples/supergraph/gateway.js';

const require = createRequire(import.meta.url);
const suite = new URL('./node_modules/@apollo/federation-subgraph-compatibility-tests/', import.meta.url);
const { PRODUCTS_URL } = process.env;
const subgraphs = [];
let gateway;

before(async () => {
  const services = [{ name: 'products', url: PRODUCTS_URL, schema: await sdl(PRODUCTS_URL) }];
  for (const name of ['users', 'inventory']) {
    const port = await freePort();
    subgraphs.push(
      spawn(process.execPath, [new URL(`dist/subgraphs/${name}/index.js`, suite).pathname], {
        env: { ...process.env, [`${name.toUpperCase()}_PORT`]: port },
        stdio: 'ignore',
      }),
    );
    const url = `http://localhost:${port}/`;
    services.push({ name, url, schema: await sdl(url) });
  }
  gateway = await serve(createGateway(compose(services)));
});

after(async () => {
  subgraphs.forEach(subgraph => subgraph.kill());
  await gateway?.stop();
});

async function freePort() {
  const server = await serve(() => {});
  await server.stop();
  return new URL(server.url).port;
}

async function sdl(url) {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await post(url, { query: '{ _service { sdl } }' });
      return (await response.json()).data._service.sdl;
    } catch (e) {
      if (attempt === 100) {
        throw e;
      }
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}

const post = (url, body) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

// The tests expect the router at a fixed address, and use only this part of jest.
const instead = {
  'make-fetch-happen': (url, init) => fetch(url === 'http://localhost:4000/' ? gateway.url : url, init),
  debug: () => () => {},
  execa: () => {},
};
const load = Module._load;
Module._load = (request, ...rest) => instead[request] ?? load(request, ...rest);
Object.assign(globalThis, { describe, it, test, expect });
for (const file of readdirSync(new URL('dist/tests/', suite)).filter(name => name.endsWith('.test.js'))) {
  require(new URL(`dist/tests/${file}`, suite).pathname);
}
