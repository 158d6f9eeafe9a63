// A supergraph to try: the user directory, a small subgraph of another team that extends its users, and a gateway.
//
//   npm ci && npm run supergraph
//
// DIRECTORY_URL  where the gateway finds the user directory   (http://localhost:8080/graphql)
// SCHEMA_FILE    the directory's published schema              (../contracts/schema/user-directory.graphqls)
// PORT           where the gateway listens                     (4000)
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// Who sits where. A desk is booked by a user's ID; its key is handed out to an e-mail address. Everything else about
// either is for the directory to say: @provides tells a gateway which key of the user it has in hand.
const desks = /* GraphQL */ `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@provides"])

  type Query {
    desks: [Desk!]!
  }

  type Mutation {
    bookDesk(number: Int!, userId: ID!): Desk!
    handOutKey(number: Int!, email: String!): Desk!
  }

  type Desk {
    number: Int!
    bookedBy: User @provides(fields: "id")
    keyHolder: User @provides(fields: "email")
  }

  type User @key(fields: "id") @key(fields: "email", resolvable: false) {
    id: ID! @external
    email: String! @external
    "The desks that this user has booked."
    desks: [Desk!]!
  }
`;

const federation = /* GraphQL */ `
  directive @link(url: String!, import: [String!]) repeatable on SCHEMA
  directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT
  directive @external on FIELD_DEFINITION
  directive @provides(fields: String!) on FIELD_DEFINITION
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

/** The other subgraph, as a request handler of node:http. */
export function createDesks() {
  const furniture = [
    { number: 1, bookedBy: null, keyHolder: { email: 'alice@example.com' } },
    { number: 2, bookedBy: null, keyHolder: { email: 'bob@example.com' } },
  ];
  const desk = number => {
    const found = furniture.find(each => each.number === number) ?? { number, bookedBy: null, keyHolder: null };
    if (!furniture.includes(found)) {
      furniture.push(found);
    }
    return found;
  };
  return createYoga({
    logging: false,
    landingPage: false,
    schema: createSchema({
      typeDefs: [desks, federation],
      resolvers: {
        Query: {
          desks: () => furniture,
          _entities: (_, { representations }) => representations,
          _service: () => ({ sdl: desks }),
        },
        Mutation: {
          bookDesk: (_, { number, userId }) => Object.assign(desk(number), { bookedBy: { id: userId } }),
          handOutKey: (_, { number, email }) => Object.assign(desk(number), { keyHolder: { email } }),
        },
        User: {
          desks: ({ id }) => furniture.filter(({ bookedBy }) => bookedBy?.id === id),
        },
        _Entity: { __resolveType: () => 'User' },
      },
    }),
  });
}

/** The supergraph's schema. Throws if the subgraphs do not compose. */
export function compose(directorySchema, directoryUrl, desksUrl) {
  const { supergraphSdl, errors } = composeServices([
    { name: 'user-directory', url: directoryUrl, typeDefs: parse(directorySchema) },
    { name: 'desks', url: desksUrl, typeDefs: parse(desks) },
  ]);
  if (errors?.length) {
    throw new Error(errors.map(error => error.message).join('\n'));
  }
  return supergraphSdl;
}

/** The gateway, as a request handler of node:http. It passes the caller's token on to the subgraphs. */
export function createGateway(supergraph) {
  return createGatewayRuntime({
    supergraph,
    // Hive's own query planner: the one that comes with the runtime knows no @provides.
    unifiedGraphHandler,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => {
        const authorization = request.headers.get('authorization');
        return authorization ? { authorization } : {};
      },
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
  const other = await serve(createDesks());
  const supergraph = compose(readFileSync(schema, 'utf8'), directory, other.url);
  const gateway = await serve(createGateway(supergraph), Number(process.env.PORT ?? 4000), process.env.HOST);
  console.log(`The supergraph of ${directory} and ${other.url} is served at ${gateway.url}`);
}
