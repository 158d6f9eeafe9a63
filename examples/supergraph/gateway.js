import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { lookup } from 'node:dns';
import { Agent, createServer } from 'node:http';

/** The supergraph's schema of services with a name, a URL and a schema. Throws if they do not compose. */
export function compose(services) {
  const { supergraphSdl, errors } = composeServices(
    services.map(({ name, url, schema }) => ({ name, url, typeDefs: parse(schema) })),
  );
  if (errors?.length) {
    throw new Error(errors.map(error => error.message).join('\n'));
  }
  return supergraphSdl;
}

const PASSED_ON = ['authorization', 'idempotency-key', 'traceparent', 'tracestate'];

let turn = 0;

/** Uses the addresses of a name in turn. With the resolver's order, one of several instances would do all the work. */
const inTurn = new Agent({
  lookup: (name, options, callback) =>
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) {
        return callback(error);
      }
      const first = turn++ % addresses.length;
      const rotated = [...addresses.slice(first), ...addresses.slice(0, first)];
      return options.all ? callback(null, rotated) : callback(null, rotated[0].address, rotated[0].family);
    }),
});

/** The gateway, as a request handler of node:http. It passes the caller's token, idempotency key and trace on to the subgraphs. */
export function createGateway(supergraph) {
  return createGatewayRuntime({
    supergraph,
    logging: false,
    customAgent: () => inTurn,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) =>
        Object.fromEntries(PASSED_ON.map(name => [name, request.headers.get(name)]).filter(([, value]) => value)),
    },
  });
}

/** Resolves to the server, its URL, and how to stop it. */
export async function serve(handler, port = 0, host = '127.0.0.1') {
  const server = createServer(handler);
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: `http://localhost:${server.address().port}/graphql`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      await handler.dispose?.();
    },
  };
}
