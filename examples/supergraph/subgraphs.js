import { createSchema, createYoga } from 'graphql-yoga';

// Two subgraphs of other teams. Each knows users by only one of their keys, an ID or an e-mail address, adds a field to
// them, and leaves the rest to the directory.
export const desksSchema = /* GraphQL */ `
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

export const keysSchema = /* GraphQL */ `
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

/** The desks of users, by ID: a request handler of node:http. */
export function createDesks() {
  const booked = [];
  return createSubgraph(desksSchema, {
    Query: { desks: () => booked },
    Mutation: {
      bookDesk: (_, { number, userId }) => booked[booked.push({ number, bookedBy: { id: userId } }) - 1],
    },
    User: { desks: ({ id }) => booked.filter(({ bookedBy }) => bookedBy.id === id) },
  });
}

/** The keys that users hold, by e-mail address: a request handler of node:http. */
export function createKeys() {
  const handedOut = [];
  return createSubgraph(keysSchema, {
    Query: { keys: () => handedOut },
    Mutation: {
      handOutKey: (_, { room, email }) => handedOut[handedOut.push({ room, holder: { email } }) - 1],
    },
    User: { keys: ({ email }) => handedOut.filter(({ holder }) => holder.email === email) },
  });
}
