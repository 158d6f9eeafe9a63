export const REPORT_COST = '{\n  "GraphQL-Cost": "report"\n}';

export const DIRECTORY_EVENTS = `subscription DirectoryEvents {
  directoryEvents {
    __typename
    occurredAt
    actor {
      subject
    }
    cursor
    ... on UserCreated {
      userId
      user {
        name
        email
      }
    }
    ... on UserUpdated {
      userId
      user {
        name
        email
      }
    }
    ... on UserDeleted {
      userId
    }
    ... on GroupCreated {
      groupId
      group {
        name
      }
    }
    ... on GroupUpdated {
      groupId
      group {
        name
      }
    }
    ... on GroupDeleted {
      groupId
    }
    ... on MemberAdded {
      userId
      user {
        name
        email
      }
      groupId
      group {
        name
      }
    }
    ... on MemberRemoved {
      userId
      user {
        name
        email
      }
      groupId
      group {
        name
      }
    }
  }
}
`;

/** The tabs with which GraphiQL opens. Each tab is named after its operation. */
export const TABS = [
  {
    query: `# Run it again for the next page: each response
# puts its endCursor into the variables below.
query Users($after: String) {
  users(
    first: 3
    after: $after
    orderBy: { field: NAME }
  ) {
    totalCount
    nodes {
      id
      name
      email
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: '{\n  "after": null\n}',
  },
  {
    query: `# Run it twice to see why it is rejected.
mutation CreateUser {
  createUser(
    name: "Charlie"
    email: "charlie@example.com"
  ) {
    user {
      id
      name
      email
    }
    errors {
      path
      code
      message
    }
  }
}
`,
  },
  {
    query: `# A header below asks for the cost, which is in
# the extensions of the response.
query GroupsOfUsers {
  users(first: 2, orderBy: { field: NAME }) {
    nodes {
      name
      groups(first: 2) {
        nodes {
          name
          members(first: 2) {
            totalCount
            nodes {
              name
            }
          }
        }
      }
    }
  }
}
`,
    headers: REPORT_COST,
  },
  {
    query: `# What a federation router sends. The key of a
# user is the ID or the e-mail address.
query Entities {
  _entities(representations: [
    {
      __typename: "User"
      email: "alice@example.com"
    }
    {
      __typename: "User"
      email: "nobody@example.com"
    }
  ]) {
    ... on User {
      id
      name
      version
    }
  }
}
`,
  },
  {
    query: `# Shows each event until you stop it. To see them
# while you run mutations, watch the feed (above).
${DIRECTORY_EVENTS}`,
  },
];
