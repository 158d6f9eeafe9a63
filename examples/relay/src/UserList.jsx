import { useState } from 'react';
import { graphql, useLazyLoadQuery, usePaginationFragment } from 'react-relay';
import { Feed } from './Feed.jsx';
import { UserRow } from './UserRow.jsx';

const PAGE = 10;

const query = graphql`
  query UserListQuery($count: Int!) {
    ...UserList_query @arguments(count: $count)
  }
`;

const fragment = graphql`
  fragment UserList_query on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" })
  @refetchable(queryName: "UserListPaginationQuery") {
    users(first: $count, after: $cursor, orderBy: { field: CREATED_AT, direction: DESC })
      @connection(key: "UserList_users") {
      __id
      edges {
        node {
          id
          ...UserRow_user
        }
      }
    }
  }
`;

/** Lists the newest users first: those created while the page is open belong at the top. */
export function UserList({ session, onExpired, onUnauthenticated }) {
  const { data, loadNext, hasNext, isLoadingNext } = usePaginationFragment(
    fragment,
    useLazyLoadQuery(query, { count: PAGE }),
  );
  const { __id, edges } = data.users;
  const [error, setError] = useState(null);

  return (
    <>
      <Feed session={session} connection={__id} onExpired={onExpired} onUnauthenticated={onUnauthenticated} />
      <ul className="users">
        {edges.map(({ node }) => (
          <UserRow key={node.id} user={node} />
        ))}
      </ul>
      {hasNext ? (
        <button onClick={() => loadNext(PAGE, { onComplete: setError })} disabled={isLoadingNext}>
          Show more
        </button>
      ) : (
        <p className="quiet">These are all {edges.length} users.</p>
      )}
      <p role="alert">{error?.message}</p>
    </>
  );
}
