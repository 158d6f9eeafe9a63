import { graphql } from 'relay-runtime';

export const userListQuery = graphql`
  query UserListQuery($count: Int!, $cursor: String, $search: String) {
    ...UserList_query @arguments(count: $count, cursor: $cursor, search: $search)
  }
`;

export const userListFragment = graphql`
  fragment UserList_query on Query
  @argumentDefinitions(
    count: { type: "Int!" }
    cursor: { type: "String" }
    search: { type: "String" }
  )
  @refetchable(queryName: "UserListPaginationQuery") {
    users(first: $count, after: $cursor, filter: { search: $search }, orderBy: { field: NAME })
      @connection(key: "UserList_users") {
      edges {
        node {
          id
          ...UserCard_user
        }
      }
    }
  }
`;
