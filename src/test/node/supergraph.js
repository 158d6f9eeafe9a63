// A supergraph to try: the user directory, two small subgraphs that extend its users, and a gateway.
//
//   npm ci && npm run supergraph
//
// DIRECTORY_URL  where the gateway finds the user directory   (http://localhost:8080/graphql)
// SCHEMA_FILE    the directory's published schema              (../contracts/schema/user-directory.graphqls)
// PORT           where the gateway listens                     (4000)
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { lookup } from 'node:dns';
import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// Two subgraphs of other teams. Each knows users by one key of theirs alone, an ID or an e-mail address, adds a field to
// them, and leaves the rest to the directory.
const desks = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query {
    desks: [Desk!]!
  }

  type Mutation {
    bookDesk(number: Int!, userId: ID!): Desk!
  }

  type Desk {
    number: Int!
    bookedBy: User
  }

  type User @key(fields: "id") {
    id: ID!
    "The desks that this user has booked."
    desks: [Desk!]!
  }
`;

const keys = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query {
    keys: [Key!]!
  }

  type Mutation {
    handOutKey(room: String!, email: String!): Key!
  }

  type Key {
    room: String!
    holder: User
  }

  type User @key(fields: "email") {
    email: String!
    "The keys that were handed out to this user."
    keys: [Key!]!
  }
`;

const federation = /* GraphQL */ `
  directive @link(url: String!, import: [String!]) repeatable on SCHEMA
  directive @key(fields: String!) repeatable on OBJECT
  scalar _Any
  union _Entity = User
  type _Service {
    sdl: String!
  }
  extend type Query {
    _entities(representations: [_Any!]!): [_Entity]!
    _service: _Service!
  }
`;

function createSubgraph(sdl, resolvers) {
  const schema = createSchema({
    typeDefs: [sdl, federation],
    resolvers: {
      ...resolvers,
      Query: {
        ...resolvers.Query,
        _entities: (_, { representations }) => representations,
        _service: () => ({ sdl }),
      },
      _Entity: { __resolveType: () => 'User' },
    },
  });
  return createYoga({ schema, logging: false, landingPage: false });
}

/** Who sits where, by ID: a request handler of node:http. */
export function createDesks() {
  const booked = [];
  return createSubgraph(desks, {
    Query: { desks: () => booked },
    Mutation: {
      bookDesk: (_, { number, userId }) => booked[booked.push({ number, bookedBy: { id: userId } }) - 1],
    },
    User: { desks: ({ id }) => booked.filter(({ bookedBy }) => bookedBy.id === id) },
  });
}

/** Who has which key, by e-mail address: a request handler of node:http. */
export function createKeys() {
  const handedOut = [];
  return createSubgraph(keys, {
    Query: { keys: () => handedOut },
    Mutation: {
      handOutKey: (_, { room, email }) => handedOut[handedOut.push({ room, holder: { email } }) - 1],
    },
    User: { keys: ({ email }) => handedOut.filter(({ holder }) => holder.email === email) },
  });
}

/** The supergraph's schema. Throws if the subgraphs do not compose. */
export function compose(directorySchema, directoryUrl, desksUrl, keysUrl) {
  const { supergraphSdl, errors } = composeServices([
    { name: 'user-directory', url: directoryUrl, typeDefs: parse(directorySchema) },
    { name: 'desks', url: desksUrl, typeDefs: parse(desks) },
    { name: 'keys', url: keysUrl, typeDefs: parse(keys) },
  ]);
  if (errors?.length) {
    throw new Error(errors.map(error => error.message).join('\n'));
  }
  return supergraphSdl;
}

const PASSED_ON = ['authorization', 'traceparent', 'tracestate'];

let turn = 0;

/** To each address of a name in turn: of several instances, the resolver's order would have one do all of the work. */
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

/** The gateway, as a request handler of node:http. It passes the caller's token and trace on to the subgraphs. */
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

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const directory = process.env.DIRECTORY_URL ?? 'http://localhost:8080/graphql';
  const schema = process.env.SCHEMA_FILE ?? new URL('../contracts/schema/user-directory.graphqls', import.meta.url);
  const others = [await serve(createDesks()), await serve(createKeys())].map(({ url }) => url);
  const supergraph = compose(readFileSync(schema, 'utf8'), directory, ...others);
  const gateway = await serve(createGateway(supergraph), Number(process.env.PORT ?? 4000), process.env.HOST);
  // The gateway takes the signals for itself, and goes on.
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit());
  }
  console.log(`The supergraph of ${[directory, ...others].join(', ')} is served at ${gateway.url}`);
}
